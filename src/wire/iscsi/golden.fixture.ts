import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { usualOptions } from './initiator.fixture.ts';
import { Initiator } from './initiator.ts';
import type { InitiatorOptions } from './options.ts';
import type { InitiatorOutcome } from './outcome.ts';

/**
 * A conversation as text: `>` what the initiator sent, `<` what the target sent, each PDU by its name, and below it, indented,
 * its bytes in hexadecimal. `#` begins a comment.
 */
export function readConversation(url: URL): { from: '>' | '<'; name: string; bytes: Buffer }[] {
  const pdus: { from: '>' | '<'; name: string; hex: string }[] = [];
  for (const line of readFileSync(url, 'utf8').split('\n')) {
    const [, from, name] = /^([<>]) (.+)$/.exec(line) ?? [];
    if (from === '>' || from === '<') pdus.push({ from, name: name!, hex: '' });
    else if (line.startsWith(' ')) pdus.at(-1)!.hex += line.replaceAll(' ', '');
    else assert.match(line, /^(#.*)?$/);
  }
  return pdus.map(({ hex, ...pdu }) => ({ ...pdu, bytes: Buffer.from(hex, 'hex') }));
}

/** Two blocks of 512 bytes. */
export const written = Uint8Array.from({ length: 1024 }, (_, at) => (at * 7 + (at >> 8)) % 256);

const block = (opcode: number): Uint8Array =>
  Uint8Array.of(opcode, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0);

/** What is done one after the other, once the target has let the initiator in; each when the one before was answered. */
const steps: ((initiator: Initiator) => readonly Uint8Array[])[] = [
  (it) => it.issue({ lun: 1, cdb: new Uint8Array(6) })!.pieces,
  (it) => it.issue({ lun: 1, cdb: block(0x8a), dataOut: written })!.pieces,
  (it) => it.issue({ lun: 1, cdb: block(0x88), dataInBytes: 1024 })!.pieces,
  (it) => it.ping().pieces,
  (it) => it.manageTask('logical-unit-reset', { lun: 1 }).pieces,
  (it) => it.logout(),
];

/** An initiator that does these steps. What comes of what it hears is returned, what it sends is given to `send`. */
export class Talk {
  readonly outcomes: InitiatorOutcome[] = [];
  readonly #initiator: Initiator;
  readonly #send: (bytes: Uint8Array) => void;
  #step = 0;

  constructor(options: Partial<InitiatorOptions>, send: (bytes: Uint8Array) => void) {
    this.#initiator = new Initiator({ ...usualOptions, ...options });
    this.#send = send;
    send(Buffer.concat(this.#initiator.begin()));
  }

  hear(bytes: Uint8Array): void {
    for (const outcome of this.#initiator.receive(bytes)) {
      this.outcomes.push(outcome);
      if (outcome.kind === 'send') this.#send(Buffer.concat(outcome.pieces));
      else if (this.#initiator.status === 'ready')
        this.#send(Buffer.concat(steps[this.#step++]!(this.#initiator)));
    }
  }
}
