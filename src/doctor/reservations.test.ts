import assert from 'node:assert/strict';
import {
  type Command,
  type Nexus as UnitNexus,
  nexusPort,
  SpcUnit,
} from '../fence/model/spc-unit.fixture.ts';
import { RequestFailed } from '../ports/block-device.ts';
import { type Nexus, ReservationTrial } from './reservations.ts';

const owner = { slot: 0, epoch: 0 };
const never = new AbortController().signal;

/** What a session of a doctor does at a unit in memory; `spoil` may answer a command in its place. */
function nexusOf(
  unit: SpcUnit,
  spoil: (command: Command | { do: 'read' }) => unknown = () => undefined,
): Nexus {
  const nexus: UnitNexus = unit.open(owner);
  const send = async (command: Command): Promise<unknown> => {
    const spoilt = spoil(command);
    if (spoilt !== undefined) return spoilt;
    const { value, after = [] } = unit.carryOut(nexus, command);
    unit.queue = unit.queue.filter((write) => !after.includes(write));
    return value;
  };
  const read = async (): Promise<void> => {
    if (spoil({ do: 'read' }) !== undefined) return;
    // Under Exclusive Access a read is let in where a write is.
    const write = unit.write(nexus, () => {});
    unit.queue = unit.queue.filter((each) => each !== write);
  };
  return { unit: nexusPort(send), read };
}

for (const hasAbort of [true, false]) {
  describe(`a trial of reservations, PREEMPT ${hasAbort ? 'AND ABORT known' : 'alone'}`, () => {
    const unit = () => new SpcUnit({ hasAbort });

    it('takes over as a server does, and leaves the unit as it was', async () => {
      const tried = unit();
      const sent: string[] = [];
      const note = (command: { do: string }) => void sent.push(command.do);
      const trial = new ReservationTrial(nexusOf(tried, note), nexusOf(tried, note), 1000);
      const findings = await trial.run(never);
      assert.deepEqual(
        findings.map(({ state }) => state),
        ['ok'],
      );
      assert.ok(sent.includes('preempt'));
      assert.ok(sent.indexOf('reset') > sent.indexOf('preempt'));
      assert.deepEqual([tried.registrations.size, tried.holder, trial.open], [0, undefined, false]);
    });

    it('tells how the unit was taken away, whatever the unit had claimed', async () => {
      const told = async (claims: boolean) => {
        const tried = unit();
        const claim = (command: { do: string }) => (command.do === 'supports-abort' ? claims : undefined);
        const [found] = await new ReservationTrial(nexusOf(tried, claim), nexusOf(tried, claim), 1000).run(
          never,
        );
        assert.equal(found?.state, 'ok');
        return found.why;
      };
      assert.match(await told(false), /taken away by PREEMPT and LOGICAL UNIT RESET$/);
      assert.match(
        await told(true),
        hasAbort ? /by PREEMPT AND ABORT and LOGICAL UNIT RESET$/ : /which it claims to know, was refused\)$/,
      );
    });

    it('takes and gives back where there is one session alone, and says what it did not see', async () => {
      const tried = unit();
      const trial = new ReservationTrial(nexusOf(tried), undefined, 1000);
      const findings = await trial.run(never);
      assert.deepEqual(
        findings.map(({ state, why }) => [state, why]),
        [
          [
            'ok',
            'tried with scratch keys: taken, shown, given back; whether it shuts out another machine takes one',
          ],
        ],
      );
      assert.deepEqual([tried.registrations.size, tried.holder, tried.generation], [0, undefined, 2]);
    });

    it('changes nothing where anybody is registered', async () => {
      const tried = unit();
      const agent = tried.open({ slot: 1, epoch: 4 });
      agent.attentions = [];
      tried.carryOut(agent, { do: 'register', key: 5n });
      const { generation } = tried;
      const trial = new ReservationTrial(nexusOf(tried), nexusOf(tried), 1000);
      await assert.rejects(trial.run(never), {
        exitCode: 3,
        message: /1 keys are registered.*nothing was tried/,
      });
      assert.deepEqual([tried.generation, [...tried.registrations.values()]], [generation, [5n]]);
      assert.equal(trial.open, false);
    });

    it('finds out a unit whose reservations shut nobody out', async () => {
      const tried = unit();
      const open = (command: { do: string }) => (command.do === 'read' ? true : undefined);
      const [found] = await new ReservationTrial(nexusOf(tried), nexusOf(tried, open), 1000).run(never);
      assert.equal(found?.state, 'problem');
      assert.match(found.why, /a nexus that has not registered could still read/);
      assert.equal(tried.registrations.size, 0);
    });

    it('finds out a unit that lets a preempted session on', async () => {
      const tried = unit();
      const open = (command: { do: string }) => (command.do === 'read' ? true : undefined);
      const [found] = await new ReservationTrial(nexusOf(tried, open), nexusOf(tried), 1000).run(never);
      assert.match(found!.why, /the nexus that was preempted could still read/);
      assert.equal(tried.registrations.size, 0);
    });

    it('finds out a unit that says yes and holds nothing', async () => {
      const tried = unit();
      const deaf = (command: { do: string }) => (command.do === 'reserve' ? true : undefined);
      const [found] = await new ReservationTrial(nexusOf(tried, deaf), nexusOf(tried), 1000).run(never);
      assert.match(found!.why, /does not show it/);
      assert.equal(tried.registrations.size, 0);
    });

    it('is undone at whatever step it is interrupted or fails', async () => {
      for (let step = 4; step < 24; step += 1) {
        for (const how of ['interrupted', 'failing'] as const) {
          const tried = unit();
          const abort = new AbortController();
          let count = 0;
          const spoil = (command: { do: string }) => {
            if ((count += 1) !== step) return undefined;
            if (how === 'failing' && command.do !== 'register')
              throw new RequestFailed('no', 'HARDWARE ERROR 44/00');
            abort.abort();
            return undefined;
          };
          const trial = new ReservationTrial(nexusOf(tried, spoil), nexusOf(tried, spoil), 1000);
          await trial.run(abort.signal);
          assert.deepEqual([tried.registrations.size, tried.holder], [0, undefined], `${how} at ${step}`);
        }
      }
    });

    it('is beaten by an agent that comes in between, which keeps what it took', async () => {
      const tried = unit();
      const agent = tried.open({ slot: 1, epoch: 4 });
      const key = (1n << 48n) | 4n;
      const overtake = (command: { do: string }) => {
        if (command.do !== 'preempt') return undefined;
        agent.attentions = [];
        tried.carryOut(agent, { do: 'register', key });
        tried.carryOut(agent, { do: 'preempt', key, victim: 62n << 48n, type: 3, abort: false });
        tried.carryOut(agent, { do: 'preempt', key, victim: 63n << 48n, type: 3, abort: false });
        return undefined;
      };
      const [found] = await new ReservationTrial(nexusOf(tried), nexusOf(tried, overtake), 1000).run(never);
      assert.match(found!.why, /^somebody else took the unit meanwhile/);
      assert.deepEqual([...tried.registrations.values()], [key]);
      assert.equal(tried.holder?.nexus, agent);
    });

    it('takes back the key of one session when that of the other cannot be', async () => {
      const tried = unit();
      const stuck = (command: Command | { do: 'read' }) => {
        if (command.do !== 'register' || command.key !== 0n) return undefined;
        throw new RequestFailed('not answered', 'HARDWARE ERROR 44/00');
      };
      const abort = new AbortController();
      const stop = (command: { do: string }) => (command.do === 'register' ? abort.abort() : undefined);
      const trial = new ReservationTrial(nexusOf(tried, stop), nexusOf(tried, stuck), 1000);
      const [, left] = await trial.run(abort.signal);
      assert.equal(left?.thing, 'scratch keys');
      assert.equal(tried.registrations.size, 0);
    });

    it('says so when its keys could not be taken back', async () => {
      const tried = unit();
      const stuck = (command: Command | { do: 'read' }) => {
        if (command.do !== 'register' || command.key !== 0n) return undefined;
        throw new RequestFailed('not answered', 'HARDWARE ERROR 44/00');
      };
      const trial = new ReservationTrial(nexusOf(tried, stuck), nexusOf(tried, stuck), 1000);
      const findings = await trial.run(never);
      assert.deepEqual(
        findings.map(({ thing, state }) => [thing, state]),
        [
          ['reservations', 'ok'],
          ['scratch keys', 'problem'],
        ],
      );
      assert.equal(trial.open, true);
    });
  });
}
