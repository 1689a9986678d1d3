import type { AgentStatus } from '../../src/ports/status.ts';
import type { AuditLine } from '../../src/ports/audit.ts';
import type { JournalLine } from '../../src/ports/journal.ts';
import type { Timings } from '../../src/protocol/types.ts';
import type { AgentMode, ClientEvent, GateMode } from '../history/events.ts';
import type { StorageKind } from './storage.ts';

/** Where a lab runs. Everything a scenario can do to a world goes through here, so that one file runs on every engine. */
export interface Engine {
  readonly name: 'process' | 'docker';
  /** Brings up storage, then lays out the quorum area; servers and client are started one by one. Leaves nothing behind when it fails. */
  create(spec: WorldSpec): Promise<World>;
}

export interface WorldSpec {
  /** Unique among labs on this machine; part of every name and label. */
  labId: string;
  /** Run folder of this scenario; disk images and files end up here. */
  dir: string;
  servers: readonly string[];
  timings: Timings;
  agent: AgentMode;
  gate: GateMode;
  storage: StorageKind;
  /** Size of the data area. */
  dataBytes: number;
  client: ClientSpec;
  /** Every line any part of the world says, as it arrives. */
  onLine(line: WorldLine): void;
  /** Every end of a member, wanted or not, after its last line. */
  onEnd(end: MemberEnd): void;
}

/** A program of the world is gone: the agent of a server, the storage node, the client. */
export interface MemberEnd {
  /** The server's name, `storage` or `client`. */
  member: string;
  /** Null when a signal ended it. */
  code: number | null;
  signal: string | null;
  /** True only when the world was asked for it while the program was still alive. */
  wanted: boolean;
}

interface ClientSpec {
  workers: number;
  /** Pause of a worker between two appends. */
  thinkMs: number;
  seed: number;
}

export type WorldLine =
  | { from: 'server'; server: string; line: JournalLine }
  | { from: 'storage'; line: AuditLine }
  | { from: 'client'; line: ClientEvent }
  /** Standard error, or a line that is not JSON. */
  | { from: 'noise'; who: string; text: string };

/** A server's parts, for faults that hit some of them only. */
export type Part = 'agent' | 'guard' | 'service';

export interface World extends AsyncDisposable {
  readonly engine: string;
  startServer(server: string): Promise<void>;
  /** SIGKILL to every process of the server; resolves when none is left and its end was told. */
  killServer(server: string): Promise<void>;
  /** SIGTERM to the agent; resolves with its exit code when every process is gone. */
  stopServer(server: string): Promise<number | null>;
  /** Freezes every process of the server, guard included; resolves when all are seen stopped. Until it is thawed nothing else than a kill can be done to it. */
  freeze(server: string): Promise<void>;
  /** Resolves when all are seen running, but for those that are stalled. */
  thaw(server: string): Promise<void>;
  /** Stops (SIGSTOP) some parts only: a scheduler that starves the agent but not the service. Resolves when seen stopped. */
  stall(server: string, parts: readonly Part[]): Promise<void>;
  /** Resolves when seen running; of a frozen server at once, and the parts go on when it is thawed. */
  unstall(server: string, parts: readonly Part[]): Promise<void>;
  /** Cuts the server from the storage node: `drop` loses every packet silently, `reset` ends connections and refuses new ones. Resolves when seen effective. */
  cut(server: string, how: 'drop' | 'reset'): Promise<string>;
  /** Resolves with what was seen: what a newcomer meets. Rejects when it does not come through although the storage node listens. */
  mend(server: string): Promise<string>;
  startStorage(): Promise<void>;
  killStorage(): Promise<void>;
  /** Slows the disk of the data area down, or lets it run again. Rejects where no process beside the storage node's own has it. */
  readonly disk: { on(): Promise<string>; off(): Promise<string>; waiting(): Promise<number> };
  /** One request to the storage node's control socket (see src/storage/control). */
  storageControl(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown>;
  /** The agent's own status; undefined when it does not answer. */
  status(server: string): Promise<AgentStatus | undefined>;
  /** Runs a program of the lab inside the server, as the server (its address, its network); for deliberate trespass. */
  runInServer(
    server: string,
    argv: readonly string[],
  ): Promise<{ code: number; stdout: string; stderr: string }>;
  /** The file of this server's agent, as a program inside the server finds it. */
  agentFile(server: string): string;
  /** Where the agent of this server hands the data area to its service, where it does so itself. */
  dataSocket(server: string): string;
  /** The URI of the data area as this server reaches it; over NBD without an export name. */
  storageUri(server: string): string;
  /** The address the gate sees this server come from. */
  peerAddress(server: string): string;
  startClient(): Promise<void>;
  /** Ends the client cleanly; resolves when its last line is in. */
  stopClient(): Promise<void>;
  /** Processes of the server that are alive: for faults that must prove themselves. */
  alive(server: string): Promise<number>;
  /** Stops storage and copies `quorum.img` and `data.img` into the run folder. */
  collect(): Promise<void>;
}
