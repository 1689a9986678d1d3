import { incarnationOf, readTimings } from './notation.fixture.ts';
import { Player } from './player.fixture.ts';
import { halves, TraceDisk } from './trace-disk.fixture.ts';
import { DEFAULTS } from '../timings.fixture.ts';

/**
 * Plays a trace and returns it with what really follows each event. Lines that begin with `#` explain; indented lines
 * are what follows and are made anew; all others happen:
 *
 *     servers a b                 a new area, and these servers with the defaults of `init`
 *     timings T=1000 M=5 ...      before `servers`: others than those
 *     literal                     before `servers`: the method as published
 *     restart a as d              a, from the beginning, with another incarnation
 *     disk record owned b e2 #7   what somebody else wrote
 *     lands a                     the last record that a issued reaches the disk
 *     calm a until 5000           every wake on time, every answer after 10 ms
 *     quietly a until 5000        the same, showing only what a knows in the end
 *     ready a until 5000          a starts at 0, and quietly until then
 *     1 a read 1000..1010         event 1: a read that started at 1000 and whose answer was seen at 1010
 */
export function replay(text: string): string {
  const trace = new Trace();
  const out: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (/^\s+\S/.test(line)) continue;
    out.push(line);
    if (line === '' || line.startsWith('#')) continue;
    try {
      out.push(...trace.line(line).map((follows) => `    ${follows}`));
    } catch (error) {
      throw new Error(`line ${i + 1}: ${line}: ${(error as Error).message}`, { cause: error });
    }
  }
  return out.join('\n');
}

class Trace {
  #timings = DEFAULTS;
  #literal = false;
  #nodes: string[] = [];
  #disk = new TraceDisk(DEFAULTS, []);
  readonly #players = new Map<string, Player>();
  #events = 0;

  line(line: string): string[] {
    const [word, rest] = halves(line);
    switch (word) {
      case 'timings':
        this.#timings = readTimings(rest, DEFAULTS);
        return [];
      case 'literal':
        this.#literal = true;
        return [];
      case 'servers':
        this.#begin(rest.split(' '));
        return [];
      case 'restart': {
        const [node = '', , letter = ''] = rest.split(' ');
        this.#enter(node, letter);
        return [];
      }
      case 'disk':
        this.#disk.put(rest);
        return [];
      case 'lands':
        this.#playerOf(rest).land();
        return [];
      case 'calm': {
        const [node = '', , untilAt] = rest.split(' ');
        return this.#playerOf(node).playCalmly(Number(untilAt));
      }
      case 'ready':
      case 'quietly': {
        const [node = '', , untilAt] = rest.split(' ');
        const player = this.#playerOf(node);
        if (word === 'ready') player.play('start 0..10');
        const lines = player.playCalmly(Number(untilAt));
        return lines.filter((line) => line.startsWith('=')).slice(-1);
      }
      default:
        return this.#event(Number(word), rest);
    }
  }

  #event(nth: number, line: string): string[] {
    this.#events += 1;
    if (nth !== this.#events) throw new Error(`event ${this.#events} is next`);
    const [node, event] = halves(line);
    return this.#playerOf(node).play(event);
  }

  #begin(nodes: string[]): void {
    this.#nodes = nodes;
    this.#disk = new TraceDisk(this.#timings, nodes);
    this.#players.clear();
    this.#events = 0;
    for (const node of nodes) this.#enter(node, node);
  }

  #enter(node: string, letter: string): void {
    const index = this.#nodes.indexOf(node);
    if (index < 0) throw new Error(`no server ${node}`);
    const incarnation = incarnationOf(letter);
    const identity = { node, index, slots: this.#nodes.length, incarnation, timings: this.#timings };
    this.#players.set(node, new Player(identity, this.#disk, this.#literal));
  }

  #playerOf(node: string): Player {
    const player = this.#players.get(node);
    if (player === undefined) throw new Error(`no server ${node}`);
    return player;
  }
}
