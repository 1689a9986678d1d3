import { connect } from 'node:net';

/** What a newcomer meets at this address: an answer, an ended connection, or nothing for `waitMs`. */
export type Met = 'greeting' | 'reset' | 'silence';

/** `hello` is sent first, where whoever listens does not speak before it is spoken to. */
export function probeLink(host: string, port: number, waitMs: number, hello?: Uint8Array): Promise<Met> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => done('silence'), waitMs);
    const done = (seen: Met) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(seen);
    };
    if (hello !== undefined) socket.write(hello);
    socket.once('data', () => done('greeting'));
    socket.once('error', () => done('reset'));
    socket.once('close', () => done('reset'));
  });
}
