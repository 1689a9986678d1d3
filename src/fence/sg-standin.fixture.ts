import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * In the place of sg_persist and sg_reset, for machines without a SCSI disk: what a unit knows is in a file, and the nexus
 * is the name of the device behind its last `@`. What is printed is what version 0.67 prints.
 */
const program = `
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
const [state, name, ...argv] = process.argv.slice(2);
if (argv.includes('--version')) process.exit(0);
appendFileSync(state + '.log', [name, ...argv].join(' ') + '\\n');
const device = argv.at(-1);
const nexus = device.split('@').at(-1);
const unit = JSON.parse(readFileSync(state, 'utf8'));
const option = (name) => BigInt('0x' + argv.find((each) => each.startsWith('--' + name + '=')).split('=')[1]);
const type = () => Number(option('prout-type'));
const has = (name) => argv.includes('--' + name);
function end(code, said) {
  if (said) console.error(said);
  writeFileSync(state, JSON.stringify(unit));
  process.exit(code);
}
const conflict = () => end(24, 'PR out (' + name + '): Reservation conflict');
if (unit.attentions[nexus]) {
  const text = unit.attentions[nexus];
  delete unit.attentions[nexus];
  end(6, 'PR out: Unit attention, type: sense key\\n Additional sense: ' + text);
}
if (name === 'sg_reset') end(0);
const own = () => unit.keys[nexus];
const key = (hex) => '0x' + BigInt(hex).toString(16);
const types = { 3: 'Exclusive Access', 6: 'Exclusive Access, registrants only' };
if (has('read-keys')) {
  const keys = Object.values(unit.keys);
  const about = keys.length === 0 ? 'there are NO registered reservation keys'
    : keys.length === 1 ? '1 registered reservation key follows:' : keys.length + ' registered reservation keys follow:';
  console.log('  PR generation=0x' + unit.generation.toString(16) + ', ' + about);
  for (const each of keys) console.log('    ' + each);
} else if (has('read-reservation')) {
  const held = unit.holder;
  console.log('  PR generation=0x' + unit.generation.toString(16) + ', ' + (held ? 'Reservation follows:' : 'there is NO reservation held'));
  if (held) console.log('    Key=' + unit.keys[held.nexus] + '\\n    scope: LU_SCOPE,  type: ' + types[held.type]);
} else if (has('register-ignore')) {
  if (option('param-sark') !== 0n) unit.keys[nexus] = key(option('param-sark'));
  else {
    if (unit.holder && unit.holder.nexus === nexus) unit.holder = null;
    delete unit.keys[nexus];
  }
  unit.generation += 1;
} else if (own() !== key(option('param-rk'))) conflict();
else if (has('reserve')) {
  if (unit.holder && unit.holder.nexus !== nexus) conflict();
  unit.holder = { nexus, type: type() };
} else if (has('preempt-abort')) end(5, 'PR out (Preempt and abort): bad field in cdb or parameter list (perhaps unsupported service action)');
else if (has('preempt')) {
  const victim = key(option('param-sark'));
  if (!Object.values(unit.keys).includes(victim)) conflict();
  if (unit.holder && unit.keys[unit.holder.nexus] === victim) unit.holder = { nexus, type: type() };
  for (const other of Object.keys(unit.keys)) {
    if (other === nexus || unit.keys[other] !== victim) continue;
    delete unit.keys[other];
    unit.attentions[other] = 'Registrations preempted';
  }
  unit.generation += 1;
} else end(1, 'usage');
end(0);
`;

const NOTHING = { keys: {}, holder: null, generation: 0, attentions: {} };

/** First in the path of this process, until it is disposed of. */
export class SgStandIn implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'arbiter-sg-'));
  readonly #before = process.env['PATH'];

  constructor() {
    writeFileSync(join(this.#folder, 'program.mjs'), program);
    for (const name of ['sg_persist', 'sg_reset']) {
      const script = `#!/bin/sh\nexec '${process.execPath}' '${this.#folder}/program.mjs' '${this.#state}' ${name} "$@"\n`;
      writeFileSync(join(this.#folder, name), script, { mode: 0o755 });
    }
    this.restart();
    process.env['PATH'] = `${this.#folder}${delimiter}${this.#before}`;
  }

  /** As the disk is called on a server. */
  device(server: string): string {
    return `/dev/disk/by-id/standin@${server}`;
  }

  /** The unit forgets its reservations. */
  restart(): void {
    writeFileSync(this.#state, JSON.stringify(NOTHING));
    writeFileSync(`${this.#state}.log`, '');
  }

  /** What was run, a line each, without the device. */
  get log(): readonly string[] {
    const text = readFileSync(`${this.#state}.log`, 'utf8');
    return text
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/ \S+$/, ''));
  }

  [Symbol.dispose](): void {
    process.env['PATH'] = this.#before;
    rmSync(this.#folder, { recursive: true });
  }

  get #state(): string {
    return join(this.#folder, 'unit.json');
  }
}
