/**
 * What `promise` becomes, if that is within `deadlineMs`; otherwise rejects with `late()`. The work behind the promise
 * goes on all the same, and what it comes to is not looked at.
 */
export function within<T>(deadlineMs: number, promise: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), Math.max(0, deadlineMs));
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
