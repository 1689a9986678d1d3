import type { Fault, FaultContext, Injection } from './fault.ts';

const SECTOR_BYTES = 512;
const by = {
  docker: "a rule of the gate, set from inside the storage node's container",
  process: 'a rule of the gate, set at its control socket',
};

/** The next write of one server to the ownership record (or a slot) waits at the gate, and lands when healed: late. */
export const holdWrite: Fault = {
  name: 'hold-write',
  summary: 'the next write of the server to the ownership record waits at the gate',
  target: 'server',
  needs: 'hold',
  by,
  async inject(context, server, options) {
    const offset = options.block === 'slot' ? undefined : SECTOR_BYTES;
    return hold(context, { peer: context.world.peerAddress(server), offset }, `a write of ${server}`);
  },
};

/** The next write to the ownership record waits at the gate, whoever it comes from. */
export const holdAnyWrite: Fault = {
  name: 'hold-any-write',
  summary: 'the next write to the ownership record, of any server, waits at the gate',
  target: 'storage',
  needs: 'hold',
  by,
  async inject(context) {
    return hold(context, { offset: SECTOR_BYTES }, 'a write of some server');
  },
};

/** The next write of one server to the data area waits at the gate, and is carried out or refused when healed: late. */
export const holdDataWrite: Fault = {
  name: 'hold-data',
  summary: 'the next write of the server to the data area waits at the gate',
  target: 'server',
  needs: 'hold',
  by,
  async inject(context, server) {
    const which = { peer: context.world.peerAddress(server), offset: undefined, export: 'data' };
    return hold(context, which, `a write of ${server}`);
  },
};

async function hold(
  { world, lines }: FaultContext,
  { export: area = 'quorum', ...which }: { peer?: string; offset: number | undefined; export?: string },
  what: string,
): Promise<Injection> {
  const rule = { ...which, export: area, op: 'write', action: 'hold' };
  const { id } = (await world.storageControl('POST', '/rules', rule)) as { id: string };
  let isHeld = false;
  const told = lines.line(
    (line) =>
      line.from === 'storage' &&
      line.line.event === 'rule' &&
      line.line.id === id &&
      line.line.state === 'holding',
    30_000,
    `${what} to be held at the gate (rule ${id})`,
  );
  told.catch(() => {}); // nobody waits for it when the rule held before anybody listened
  const status = async () =>
    (await world.storageControl('GET', `/rules/${id}`)) as { state: string; outcome: string | null };
  const outcome = async () => (await status()).outcome;
  // The rule may have its write before its number is known here: on Docker an answer takes longer than a line.
  const untilHeld = async () => {
    if ((await status()).state !== 'holding') await told;
    isHeld = true;
  };
  const held = untilHeld();
  held.catch(() => {}); // whoever waits for the effect hears of it

  async function letThrough(): Promise<string> {
    if (!isHeld) {
      await world.storageControl('DELETE', `/rules/${id}`);
      return 'the rule was taken back; it had held nothing';
    }
    await world.storageControl('POST', `/rules/${id}/release`);
    const isOver = async () => (await outcome()) !== null;
    await lines.until(isOver, 10_000, `${what}, held by rule ${id} and let through, to be carried out`);
    const came = await outcome();
    // Whether a late write to the data area is still let in is the question, not a trouble of the fault.
    if (area === 'data') return `the held write was let through, and came to: ${came}`;
    if (came !== 'ok') throw new Error(`${what}, held by rule ${id} and let through, came to: ${came}`);
    return 'the held write was let through, and carried out';
  }

  let healed: Promise<string> | undefined;
  return {
    effective: held.then(() => `rule ${id} holds ${what}`),
    heal: () => (healed ??= letThrough()),
  };
}
