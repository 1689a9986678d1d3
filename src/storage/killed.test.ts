import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { decodeRecord } from '../area/record.ts';
import { needs } from '../block/nbd/servers.fixture.ts';
import type { Backend } from './areas.ts';
import { CLUSTER, DATA_BYTES, dataName, owned, recordSector, StorageDir } from './gate.fixture.ts';
import { GateProcess } from './gate-process.fixture.ts';
import { RawClient } from './raw-client.fixture.ts';

/** How often the gate is killed; more rounds search longer. */
const ROUNDS = Number(process.env['ARBITER_KILL_ROUNDS'] ?? 20);

type Loss = 'nothing' | 'admission' | 'grant' | 'record';

interface Takeover {
  /** When its record was sent. */
  beganAt: number;
  /** Resolves when the new owner was let in, or when the gate was gone before. */
  outcome: Promise<'admitted' | 'interrupted'>;
}

/** Writes the record of a new owner, which then asks for the data area. */
async function takeOver(gate: GateProcess, epoch: number): Promise<Takeover> {
  const to = await gate.to();
  const quorum = await RawClient.into(to, 'quorum');
  const owner = await RawClient.connect(to);
  const outcome = async (): Promise<'admitted' | 'interrupted'> => {
    const { outcome: written } = await quorum.write(512, recordSector(owned('a', epoch)), { fua: true });
    const answer = written === 'no answer' ? written : await owner.go(dataName('a', epoch));
    quorum.destroy();
    owner.destroy();
    if (answer === 'no answer') return 'interrupted';
    assert.ok('sizeBytes' in answer, `epoch ${epoch} is in the record: ${JSON.stringify(answer)}`);
    return 'admitted';
  };
  return { beganAt: performance.now(), outcome: outcome() };
}

/** What the kill in the middle of a takeover by `epoch` cut off, first of all. */
function whatWasLost({ shown, granted }: Standing, admitted: number, epoch: number): Loss {
  if (shown < epoch) return 'record';
  if (granted < epoch) return 'grant';
  return admitted < epoch ? 'admission' : 'nothing';
}

/** A timer has whole milliseconds; a takeover has few of them. */
async function turnsUntil(atMs: number): Promise<void> {
  while (performance.now() < atMs) await turn();
}

/** Where a gate that was killed stood: the epoch in its record, and the one that it had made durable. */
interface Standing {
  shown: number;
  granted: number;
}

/** Starts over what a killed gate left; throws unless exactly the owner in the record is let in. */
async function comeBack(gate: GateProcess, dir: StorageDir): Promise<Standing> {
  const { granted } = await gate.started();
  // Not before: a server process that outlived the killed gate may still have written, which is what the locks are for.
  const shown = recordIn(dir);
  const told = async (epoch: number): Promise<string> =>
    JSON.stringify(await (await RawClient.connect(await gate.to())).go(dataName('a', epoch)));
  if (shown > 0) {
    assert.equal(await told(shown), JSON.stringify({ sizeBytes: DATA_BYTES }));
    assert.match(await told(shown - 1), new RegExp(`is over.: last granted epoch ${shown}"`));
  }
  assert.match(await told(shown + 1), new RegExp(`: last granted epoch ${shown}"`));
  return { shown, granted: granted?.epoch ?? 0 };
}

/** The epoch of the record on the disk; 0 for none. */
function recordIn(dir: StorageDir): number {
  const reading = decodeRecord(readFileSync(dir.quorum).subarray(512, 1024), CLUSTER);
  return reading.kind === 'valid' ? reading.value.epoch : 0;
}

/** Kills gates in the middle of takeovers and counts what that cut off. Throws when one comes back otherwise than it must. */
async function killAgainAndAgain(backend: Backend): Promise<Record<Loss, number>> {
  using dir = new StorageDir();
  const lost = { nothing: 0, admission: 0, grant: 0, record: 0 };
  let admitted = 0;
  let longestMs = 0;
  for (let epoch = 1; ; epoch++) {
    await using gate = GateProcess.over(dir, '--backend', backend);
    const { shown, granted } = await comeBack(gate, dir);
    assert.ok(admitted <= granted && granted <= shown, `${granted} of ${admitted} to ${shown}`);
    if (epoch > 2) lost[whatWasLost({ shown, granted }, admitted, epoch - 1)]++;
    if (epoch === ROUNDS + 2) return lost;

    const takeover = await takeOver(gate, epoch);
    // The first one goes through: it shows how long one takes here. The kill comes somewhere in there.
    if (epoch > 1) await turnsUntil(takeover.beganAt + 1.5 * Math.random() * longestMs);
    if (epoch > 1) await gate.kill('SIGKILL');
    if ((await takeover.outcome) === 'admitted') admitted = epoch;
    if (epoch === 1) longestMs = performance.now() - takeover.beganAt;
  }
}

describe('a gate that is killed around a grant', () => {
  for (const backend of ['file', 'nbdkit'] as const) {
    it(`comes back, ${ROUNDS} times in a row, with a grant no lower than any that it admitted (${backend})`, async function () {
      if (backend === 'nbdkit') await needs(this, 'nbdkit', 'nbdkit');
      this.timeout(ROUNDS * 6000);
      const lost = await killAgainAndAgain(backend);
      assert.ok(lost.admission + lost.grant + lost.record > 0, 'vacuous: every kill came too late');
      if (process.env['ARBITER_KILL_ROUNDS'] !== undefined) console.log('      lost by the kills:', lost);
    });
  }

  it('SIGTERM ends it cleanly: the audit says so, and the exit code is 0', async () => {
    using dir = new StorageDir();
    await using gate = GateProcess.over(dir);
    await RawClient.into(await gate.to(), 'quorum');
    await gate.kill('SIGTERM');
    assert.deepEqual(await gate.exited, { code: 0, signal: null });
    assert.deepEqual(gate.audit.events.slice(-2), ['disconnected', 'gate-stopped']);
    assert.equal(gate.stderr, '');
  });

  it('nobody reads its audit any more: it ends, for what it would do then nobody could prove', async () => {
    using dir = new StorageDir();
    await using gate = GateProcess.over(dir);
    const to = await gate.to();
    gate.hangUp();
    await RawClient.into(to, 'quorum').catch(() => undefined);
    assert.equal((await gate.exited).code, 3);
    assert.match(
      gate.stderr,
      /^arbiter: storage: the audit log on standard output cannot be written \(EPIPE: broken pipe\): this storage node ends/,
    );
  });
});
