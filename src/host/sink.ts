import { constants, fstatSync, openSync, write } from 'node:fs';
import { Socket } from 'node:net';

/** Writes one chunk, later, and calls back when it is out or failed. One chunk at a time; never blocks the event loop. */
export type Sink = (chunk: Buffer, done: (error?: Error) => void) => void;

/**
 * Where the lines of `fd` go. Pipes and sockets are written to without blocking: a thread that waits in write(2) for a
 * reader that does not come could not be ended, and would keep the process when it wants to leave.
 */
export function sinkFor(fd: number): Sink {
  const stat = fstatSync(fd);
  if (stat.isFIFO()) return streamSink(nonBlockingPipe(fd));
  return stat.isSocket() ? streamSink(fd) : fileSink(fd);
}

function streamSink(fd: number): Sink {
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.on('error', () => {}); // Told to `done`.
  socket.unref();
  return (chunk, done) => socket.write(chunk, (error) => done(error ?? undefined));
}

/** The same pipe opened once more, so that it does not become non-blocking for everybody who shares `fd`. */
function nonBlockingPipe(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return fd; // Not ours to open, or nobody reads: then the pipe as it is.
  }
}

/** How long to wait before writing again to a terminal that takes nothing more (EAGAIN). */
const RETRY_MS = 20;

function fileSink(fd: number): Sink {
  /** Set when a chunk broke off in the middle of a line. */
  let isTorn = false;
  return (chunk, done) => {
    const bytes = isTorn ? Buffer.concat([Buffer.from('\n'), chunk]) : chunk;
    isTorn = false;
    const writeFrom = (offset: number) =>
      write(fd, bytes, offset, bytes.length - offset, null, (error, written) => {
        if (error?.code === 'EAGAIN') return void setTimeout(writeFrom, RETRY_MS, offset);
        if (error !== null) {
          isTorn = offset > 0;
          return done(error);
        }
        return offset + written < bytes.length ? writeFrom(offset + written) : done();
      });
    writeFrom(0);
  };
}
