import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { Command } from 'commander';
import { Agent, type Ended } from '../agent/agent.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import { loadAgentConfig } from '../config/load.ts';
import { openDataAccess } from '../fence/open-data-access.ts';
import { monotonicClock as clock } from '../host/clock.ts';
import { directService } from '../host/direct-service.ts';
import { startGuardedService } from '../host/guarded-service.ts';
import { LineJournal } from '../host/journal.ts';
import { endPredecessor } from '../host/predecessor.ts';
import type { ServiceSetup } from '../host/service-setup.ts';
import { sinkFor } from '../host/sink.ts';
import { lockState } from '../host/state-lock.ts';
import type { DataAccess } from '../ports/data-access.ts';
import type { Service } from '../ports/service.ts';
import { CommandError, EXIT } from './errors.ts';
import { openEndpoint } from './run-endpoint.ts';
import { exitCodeFor, type Interrupts, watchInterrupts } from './run-interrupts.ts';
import { refuseOneDisk } from './run-one-disk.ts';
import { procedureFor } from './run-procedure.ts';
import { openQuorum, type OpenQuorum } from './run-quorum.ts';
import { programVersion } from './version.ts';

export function runCommand(): Command {
  return new Command('run')
    .description(
      'Runs the agent of one server until it is told to stop (SIGTERM, SIGINT): it contends for the quorum area and ' +
        'runs the service while it owns it. Writes its journal to standard output, one JSON line an event.',
    )
    .requiredOption('-c, --config <file>', "the agent's file")
    .addHelpText('after', '\nExample:\n  arbiter run -c /etc/arbiter/server-1.yaml')
    .action(async ({ config }: { config: string }) => {
      // A reader of standard output that hangs must not keep the agent from leaving.
      process.exit(await run(loadAgentConfig(config)));
    });
}

/** One line for people, in the journal. */
type Say = (text: string) => void;

/** How long the last lines of the journal may take. */
const FLUSH_MS = 500;

async function run(config: AgentConfig): Promise<number> {
  using interrupts = watchInterrupts();
  await using cleanUp = new AsyncDisposableStack();
  await refuseOneDisk(config);
  await makeState(config.state);
  await lockState(config.state).catch(infrastructure);
  const incarnation = randomBytes(16).toString('hex');
  const journal = new LineJournal(sinkFor(1), { clock, node: config.node, incarnation });
  cleanUp.defer(() => journal.flush(FLUSH_MS));
  const endpoint = await openEndpoint(config, incarnation, journal).catch(infrastructure);
  cleanUp.use(endpoint);
  const say: Say = (text) => endpoint.journal.write({ event: 'warning', text });
  warn(config, say);
  await endRemains(config, say);

  const opened = await openQuorum(config, endpoint.journal, interrupts.first);
  if (opened === undefined) return EXIT.ok;
  cleanUp.use(opened.device);
  const service = cleanUp.use(await startService(config, opened, say));
  const { header, index } = opened;
  const data = cleanUp.use(await openData(config, incarnation, opened, say));
  const quorum = endpoint.measured(opened.device);
  const agent = new Agent(
    { ...config, incarnation, index, header, version: programVersion(), pid: process.pid },
    { clock, quorum, data, service, journal: endpoint.journal },
    await procedureFor(config.protocol),
  );
  endpoint.show(agent);
  return await untilItEnds(agent, service, interrupts);
}

function openData(
  config: AgentConfig,
  incarnation: string,
  { header, index }: OpenQuorum,
  warn: Say,
): Promise<DataAccess> {
  const { node, protocol, fencing, data, state } = config;
  return openDataAccess({
    fencing,
    uris: data,
    claimant: { node, protocol, incarnation },
    slot: index,
    slots: header.slots,
    stateDirectory: state,
    intervalMs: header.timings.intervalMs,
    warn,
  });
}

async function untilItEnds(agent: Agent<unknown>, service: Service, interrupts: Interrupts): Promise<number> {
  void interrupts.first.then(() => agent.orders.release('exit'));
  const ended = await Promise.race<Ended | NodeJS.Signals>([agent.run(), interrupts.second]);
  if (typeof ended === 'string') {
    await service.stop('now', clock.nowMs());
    return exitCodeFor(ended);
  }
  if (ended.exitCode !== 0) throw new CommandError(ended.reason, ended.exitCode);
  return EXIT.ok;
}

async function makeState(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(`state: '${directory}' cannot be made: ${error.code}`, EXIT.infrastructure, {
      cause: error,
    });
  });
}

/** What the file switches off is said at every start. */
function warn(config: AgentConfig, say: Say): void {
  const off = [
    config.protocol === 'literal' && 'protocol: literal: the published procedure can make two servers active',
    config.fencing === 'none' && 'fencing: none: nobody keeps a former owner from writing to the data area',
    !config.guard && 'guard: false: nothing ends the service when this agent is stuck or gone',
  ].filter((text) => text !== false);
  for (const text of off) say(text);
  if (config.unsafe && off.length === 0) say('unsafe: true, although nothing here needs it');
}

/** After this, processes that do not go although they were killed are worth a word. */
const PATIENCE_MS = 1000;

async function endRemains({ state }: AgentConfig, say: Say): Promise<void> {
  const sinceMs = clock.nowMs();
  let isSaid = false;
  const waiting = (pids: readonly number[]) => {
    if (isSaid || clock.nowMs() - sinceMs < PATIENCE_MS) return;
    isSaid = true;
    say(`waits for processes of the former service to end, which were killed: ${pids.join(', ')}`);
  };
  const ended = await endPredecessor(state, waiting).catch(infrastructure);
  if (ended.length > 0) say(`ended what a former agent had left running: processes ${ended.join(', ')}`);
}

async function startService(config: AgentConfig, { header }: OpenQuorum, say: Say): Promise<Service> {
  const { command, env, directory } = config.service;
  const setup: ServiceSetup = {
    clock,
    node: config.node,
    command: { argv: command, env, directory },
    stateDirectory: config.state,
    stopGraceMs: header.timings.stopGraceMs,
    enforceLease: config.protocol === 'safe',
    warn: say,
  };
  return config.guard ? startGuardedService(setup).catch(infrastructure) : directService(setup);
}

function infrastructure(error: Error): never {
  throw new CommandError(error.message, EXIT.infrastructure, { cause: error });
}
