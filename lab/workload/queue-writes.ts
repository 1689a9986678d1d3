import { NbdDisk } from './nbd-disk.ts';
import { numberIn, optionsFrom, runProgram } from './options.ts';

/**
 * Writes `--depth` blocks at once, each before any other was answered, to the end of the data area, where no log of a
 * service reaches; and tells in one JSON line, when all of them are over, what came of each. 0 whenever they were sent.
 */
interface Queued {
  outcomes: string[];
}

const CONNECT_MS = 5000;
const BLOCK_BYTES = 4096;

await runProgram('queue-writes', async () => {
  const options = optionsFrom(process.argv.slice(2), { uri: undefined, depth: undefined });
  const depth = numberIn('depth', options.depth, 1);
  const disk = await NbdDisk.connect(options.uri, CONNECT_MS);
  const writes = Array.from({ length: depth }, (_, i) => {
    const block = new Uint8Array(BLOCK_BYTES).fill(0x51 + i);
    return disk.writeFua(disk.sizeBytes - (i + 1) * BLOCK_BYTES, block);
  });
  const settled = await Promise.allSettled(writes);
  const said: Queued = {
    outcomes: settled.map((each) => (each.status === 'fulfilled' ? 'ok' : String(each.reason))),
  };
  process.stdout.write(`${JSON.stringify(said)}\n`);
  disk.close();
});
