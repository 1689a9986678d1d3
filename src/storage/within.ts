/** Resolves with `done`, or after `ms`. */
export async function within(ms: number, done: Promise<void>): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => (late = setTimeout(resolve, ms)));
  await Promise.race([done, timeout]);
  clearTimeout(late);
}
