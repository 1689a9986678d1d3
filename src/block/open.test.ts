import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatNbdUri } from './uri-nbd.ts';
import { ScriptedServer } from './nbd/scripted-server.fixture.ts';
import { openBlockDevice } from './open.ts';

const options = { deadlineMs: 5000 };

describe('opening a block device', () => {
  it('takes the kind from the URI', async () => {
    await using server = await ScriptedServer.listen();
    const uri = formatNbdUri(server.address, 'quorum');
    await using device = await openBlockDevice(uri, options);
    assert.deepEqual([device.name, device.sizeBytes], [uri, 65536]);

    const directory = await mkdtemp(join(tmpdir(), 'block-open-'));
    try {
      await writeFile(join(directory, 'x'), Buffer.alloc(4096));
      for (const uri of [join(directory, 'x'), `file://${directory}/x`]) {
        await using device = await openBlockDevice(uri, options);
        assert.deepEqual([device.name, device.sizeBytes], [`file://${directory}/x`, 4096]);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('tells what is no use from what may come back', async () => {
    await assert.rejects(openBlockDevice('iscsi://host/iqn/0', options), { name: 'DeviceUnusable' });
    const server = await ScriptedServer.listen();
    const uri = formatNbdUri(server.address, 'quorum');
    await server[Symbol.asyncDispose]();
    await assert.rejects(openBlockDevice(uri, options), { name: 'RequestFailed', code: 'ENOTCONN' });
  });
});
