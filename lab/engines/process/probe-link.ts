import { connect } from 'node:net';

/** What a newcomer meets at this address: the gate's greeting, an ended connection, or nothing for `waitMs`. */
export function probeLink(
  host: string,
  port: number,
  waitMs: number,
): Promise<'greeting' | 'reset' | 'silence'> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => done('silence'), waitMs);
    const done = (seen: 'greeting' | 'reset' | 'silence') => {
      clearTimeout(timer);
      socket.destroy();
      resolve(seen);
    };
    socket.once('data', () => done('greeting'));
    socket.once('error', () => done('reset'));
    socket.once('close', () => done('reset'));
  });
}
