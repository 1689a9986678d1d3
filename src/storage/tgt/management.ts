import { connect } from 'node:net';
import { endianness } from 'node:os';

/**
 * tgtd's own management protocol, as tgtadm(8) speaks it over tgtd's Unix socket (tgt, usr/tgtadm.h): one request and its
 * answer a connection, integers in the machine's byte order. tgtadm itself takes the password of an account as an
 * argument, where everybody on the machine can read it; here it goes over the socket, which tgtd lets only its own user
 * use.
 */
export interface ManagementRequest {
  mode: keyof typeof MODE;
  op: keyof typeof OP;
  /** The target's number; none for requests about tgtd itself. */
  tid?: number;
  lun?: number;
  /** Incoming is who logs in; outgoing is who the target says it is. */
  direction?: 'incoming' | 'outgoing';
  /** What tgtadm makes of its options, `key=value` with commas between. */
  parameters?: string;
}

const MODE = { system: 0, target: 1, device: 2, portal: 3, account: 7 } as const;
const OP = { new: 0, show: 2, bind: 3, update: 5 } as const;

/** struct tgtadm_req: where its fields are, and how long it is. The same since tgt 1.0.33 of 2012. */
const AT = { mode: 0, op: 4, lld: 8, len: 72, tid: 76, lun: 88, accountDirection: 108 };
const REQUEST_BYTES = 120;
/** struct tgtadm_rsp: an error number, and the length of all of the answer. */
const ANSWER_BYTES = 8;
/** More than tgtd has to tell about a portal or two. */
const MOST_ANSWER_BYTES = 64 * 1024;
const LLD = 'iscsi';

/** enum tgtadm_errno, in its words. */
const ERRORS = [
  'success',
  'unknown error',
  'out of memory',
  'no such driver',
  'no such target',
  'no such logical unit',
  'no such session',
  'no such connection',
  'no such binding',
  'the target exists',
  'the binding exists',
  'the logical unit exists',
  'the access rule exists',
  'no such access rule',
  'the account exists',
  'no such account',
  'too many accounts',
  'invalid request',
  'there is an outgoing account',
  'the target is in use',
  'the logical unit is in use',
  'the driver is in use',
  'not supported',
  'unknown parameter',
  'removal is prevented',
];

/**
 * One request. Resolves with the text that tgtd answers, which is empty for most. Rejects with one line that shows
 * nothing of `parameters`, and with the system's `code` when nobody listens at `socketPath`.
 */
export function manage(socketPath: string, request: ManagementRequest, withinMs: number): Promise<string> {
  const what = `${request.op} ${request.mode}`;
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const late = setTimeout(() => fail(`no answer within ${withinMs} ms`), withinMs);
    const chunks: Buffer[] = [];
    let length = 0;
    const fail = (why: string, cause?: NodeJS.ErrnoException): void => {
      clearTimeout(late);
      socket.destroy();
      const code = cause?.code;
      reject(Object.assign(new Error(`tgtd: ${what}: ${why}`), code === undefined ? {} : { code }));
    };
    socket.on('error', (error) => fail(error.message, error));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MOST_ANSWER_BYTES) fail(`an answer of more than ${MOST_ANSWER_BYTES} bytes`);
    });
    socket.on('end', () => {
      const answer = readAnswer(Buffer.concat(chunks));
      if ('error' in answer) return fail(answer.error);
      clearTimeout(late);
      socket.end();
      resolve(answer.text);
    });
    // Not ended: tgtd takes the end of what it reads for the end of the connection.
    socket.write(encode(request));
  });
}

function encode({
  mode,
  op,
  tid = 0,
  lun = 0,
  direction = 'incoming',
  parameters,
}: ManagementRequest): Buffer {
  const text = parameters === undefined ? Buffer.alloc(0) : Buffer.from(`${parameters}\0`);
  const request = Buffer.alloc(REQUEST_BYTES + text.length);
  const field = new DataView(request.buffer, request.byteOffset, REQUEST_BYTES);
  const little = endianness() === 'LE';
  field.setUint32(AT.mode, MODE[mode], little);
  field.setUint32(AT.op, OP[op], little);
  request.write(LLD, AT.lld, 'ascii');
  field.setUint32(AT.len, request.length, little);
  field.setInt32(AT.tid, tid, little);
  field.setBigUint64(AT.lun, BigInt(lun), little);
  field.setUint32(AT.accountDirection, direction === 'incoming' ? 0 : 1, little);
  request.set(text, REQUEST_BYTES);
  return request;
}

function readAnswer(bytes: Buffer): { text: string } | { error: string } {
  if (bytes.length < ANSWER_BYTES) return { error: 'it closed the connection without an answer' };
  const field = new DataView(bytes.buffer, bytes.byteOffset, ANSWER_BYTES);
  const little = endianness() === 'LE';
  const error = field.getUint32(0, little);
  if (error !== 0) return { error: ERRORS[error] ?? `error ${error}` };
  if (field.getUint32(4, little) !== bytes.length) return { error: 'its answer is cut short' };
  return { text: bytes.toString('utf8', ANSWER_BYTES).replaceAll('\0', '') };
}
