import { once } from 'node:events';
import { ledgerHttp } from './ledger-http.ts';
import { LedgerLog } from './ledger-log.ts';
import { parseNbdUri } from './nbd-address.ts';
import { NbdDisk } from './nbd-disk.ts';
import { hostAndPort, numberIn, optionsFrom, runProgram, WrongUsage } from './options.ts';

/**
 * The lab's service: an append log on the data area, served over HTTP. Started by the agent, which sets
 * ARBITER_DATA_URI, ARBITER_NODE and ARBITER_EPOCH. It writes a beat by itself every --beat-ms, so that a service that
 * comes back from a freeze does something nobody asked it to.
 *
 * Ends with 0 after SIGTERM, 4 when another owner was let in, 5 when the storage lost records, 3 when it cannot listen.
 */
const CONNECT_MS = 5000;
const RETRY_MS = 50;

await runProgram('ledger', async () => {
  const options = optionsFrom(process.argv.slice(2), { listen: undefined, 'beat-ms': '100' });
  const listen = hostAndPort(options.listen);
  const beatMs = numberIn('beat-ms', options['beat-ms'], 1);
  const uri = fromAgent('ARBITER_DATA_URI');
  const who = { node: fromAgent('ARBITER_NODE'), epoch: epochFrom(fromAgent('ARBITER_EPOCH')) };
  parseNbdUri(uri);

  const tell = (trouble: string) => void process.stderr.write(`ledger: not ready: ${trouble}\n`);
  const connect = () => NbdDisk.connect(uri, CONNECT_MS);
  const log = new LedgerLog({ ...who, connect, retryMs: RETRY_MS, tell });
  const server = ledgerHttp(log, who);
  server.listen(listen);
  await once(server, 'listening');
  const beat = setInterval(() => log.beat(), beatMs);
  process.once('SIGTERM', () => {
    log.stop();
    if (!log.ready) process.exit(0);
  });

  const end = await log.run();
  clearInterval(beat);
  if (end !== undefined) process.stderr.write(`${end.text}\n`);
  process.exitCode = end?.exitCode ?? 0;
  server.close();
  server.closeIdleConnections();
  // Answers under way get out; whoever keeps a connection open does not keep the service alive.
  setTimeout(() => server.closeAllConnections(), 100).unref();
});

function fromAgent(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new WrongUsage(`${name} is not set; the agent that starts this sets it`);
  return value;
}

function epochFrom(text: string): number {
  const epoch = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(epoch)) throw new WrongUsage(`ARBITER_EPOCH=${text}: not an epoch`);
  return epoch;
}
