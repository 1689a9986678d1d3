import type { LineWaiter } from '../engines/bring-up.ts';
import type { World, WorldLine } from '../engines/engine.ts';
import type { LabEvent } from '../history/events.ts';
import { type Hit } from './hit.ts';
import { ExpectationMissed } from './expectations.ts';
import { nowNs } from './now.ts';
import type { Recorder } from './recorder.ts';

type Order = Extract<LabEvent, { event: 'order' }>['order'];

/** How long a line of a journal may take to arrive. */
const JOURNAL_MS = 10_000;

/** How `arbiter` ended, and what it said. */
interface Answer {
  code: number;
  said: string;
}

/** What a person asks of an agent: `arbiter` itself is run inside the server, with the file of its agent. */
export class Orders {
  readonly #world: World;
  readonly #lines: LineWaiter;
  readonly #recorder: Recorder;
  readonly #hits: (server: string, hit: Hit) => void;

  /** `hits` is told what happened to an owner that somebody else is to take over from. */
  constructor(world: World, lines: LineWaiter, recorder: Recorder, hits: (server: string, hit: Hit) => void) {
    this.#world = world;
    this.#lines = lines;
    this.#recorder = recorder;
    this.#hits = hits;
  }

  /** To a server that lives. Resolves when the command has said who became active. */
  async handOver(of: { from: string; to: string }): Promise<void> {
    this.#hits(of.from, { t: nowNs(), kind: 'let-go' });
    const answer = await this.#ask('handover', of.from, of.to);
    this.#expect(`a hand-over from ${of.from} to ${of.to} is carried out`, answer, 0);
  }

  /** To a server that is dead: refused, then forced. Resolves when the command has said who became active instead. */
  async handOverToDead(of: { from: string; to: string }): Promise<void> {
    const refused = await this.#ask('handover', of.from, of.to);
    this.#expect(`a hand-over to the dead ${of.to} is refused`, refused, 1, 'shows no life');
    this.#hits(of.from, { t: nowNs(), kind: 'let-go-in-vain' });
    const forced = await this.#ask('handover', of.from, of.to, ['--force']);
    this.#expect(`a forced one ends with another server`, forced, 1, `, not ${of.to}, is active`);
  }

  async pause(server: string): Promise<void> {
    this.#expect(`${server} pauses the area`, await this.#ask('pause', server), 0);
  }

  /** At a standby, after the death of `insteadOf`: the takeover from that one is measured from when the agent says so. */
  async resume(server: string, of: { insteadOf: string }): Promise<void> {
    const requestedT = nowNs();
    const answer = await this.#ask('resume', server);
    this.#expect(`${server} resumes`, answer, 0);
    this.#hits(of.insteadOf, { t: await this.#resumedT(server, requestedT), kind: 'resume' });
  }

  async #resumedT(server: string, sinceT: number): Promise<number> {
    const said = (line: WorldLine) =>
      line.from === 'server' &&
      line.server === server &&
      line.line.event === 'resumed' &&
      line.line.t >= sinceT;
    const line =
      this.#recorder.lines.find(said) ??
      (await this.#lines.line(said, JOURNAL_MS, `${server} to say that it resumes`));
    return line.from === 'server' ? line.line.t : nowNs();
  }

  async #ask(order: Order, server: string, to?: string, flags: readonly string[] = []): Promise<Answer> {
    const requestedT = nowNs();
    const named = to === undefined ? [] : ['--to', to];
    const argv = ['arbiter', order, '-c', this.#world.agentFile(server), ...named, ...flags];
    const { code, stdout, stderr } = await this.#world.runInServer(server, argv);
    const said = `${stdout}${stderr}`.trim();
    this.#recorder.event({ event: 'order', order, server, to: to ?? null, requestedT, code, said });
    return { code, said };
  }

  #expect(what: string, { code, said }: Answer, wanted: number, words = ''): void {
    const met = code === wanted && said.includes(words);
    const detail = `exit code ${code}: ${said}`;
    this.#recorder.event({ event: 'expected', what, met, otherwise: 'violated', detail });
    if (!met) throw new ExpectationMissed(`${what}: ${detail}`);
  }
}
