import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { diskFacts } from './disk.ts';

/** Trees as sysfs has them: no machine here has such disks. */
describe('a disk as the kernel tells of it', () => {
  let sys: string;
  beforeEach(async () => (sys = await mkdtemp(join(tmpdir(), 'doctor-sys-'))));
  afterEach(() => rm(sys, { recursive: true }));

  async function files(at: string, content: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(content)) {
      const file = join(sys, at, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${text}\n`);
    }
  }
  async function disk(numbers: string, at: string, content: Readonly<Record<string, string>>): Promise<void> {
    await files(at, content);
    await mkdir(join(sys, 'dev/block'), { recursive: true });
    await symlink(join(sys, at), join(sys, 'dev/block', numbers));
  }
  async function scsi(
    numbers: string,
    device: string,
    name: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const at = `${device}/block/${name}`;
    await files(device, { timeout: '30' });
    await mkdir(join(sys, 'bus/scsi'), { recursive: true });
    await symlink(join(sys, 'bus/scsi'), join(sys, device, 'subsystem'));
    await disk(numbers, at, {
      'queue/write_cache': 'write back',
      'queue/fua': '1',
      'queue/physical_block_size': '4096',
      ...more,
    });
    await symlink(join(sys, device), join(sys, at, 'device'));
  }

  it('is a SCSI disk over iSCSI with the time-outs of session and command', async () => {
    const session = 'devices/platform/host2/session1';
    await files(session, { 'iscsi_session/session1/recovery_tmo': '120' });
    await scsi('8:0', `${session}/target2:0:0/2:0:0:1`, 'sda');
    const facts = await diskFacts('8:0', sys);
    assert.deepEqual(
      [facts?.name, facts?.kind, facts?.cache, facts?.fua, facts?.physicalBytes],
      ['sda', 'scsi', 'write back', true, 4096],
    );
    assert.deepEqual(
      facts?.holds.map(({ what, seconds }) => [what, seconds]),
      [
        ['the iSCSI session1 (replacement_timeout)', 120],
        ['a SCSI command', 30],
      ],
    );
  });

  it('is found by a partition of it', async () => {
    await scsi('8:0', 'devices/pci/host0/target0:0:0/0:0:0:0', 'sda');
    await disk('8:1', 'devices/pci/host0/target0:0:0/0:0:0:0/block/sda/sda1', { partition: '1' });
    const facts = await diskFacts('8:1', sys);
    assert.deepEqual([facts?.name, facts?.kind], ['sda', 'scsi']);
  });

  for (const [fast, what, seconds] of [
    ['5', 'fast_io_fail_tmo', 5],
    ['off', 'dev_loss_tmo', 60],
  ] as const) {
    it(`over Fibre Channel goes by ${what} when fast_io_fail_tmo is ${fast}`, async () => {
      const port = 'devices/pci/host3/rport-3:0-2';
      await files(`${port}/fc_remote_ports/rport-3:0-2`, { fast_io_fail_tmo: fast, dev_loss_tmo: '60' });
      await scsi('8:16', `${port}/target3:0:0/3:0:0:0`, 'sdb');
      const [hold] = (await diskFacts('8:16', sys))!.holds;
      assert.deepEqual([hold?.what, hold?.seconds], [`the remote port (${what})`, seconds]);
    });
  }

  it('is several paths with those of each, and no limit while there is none', async () => {
    const session = 'devices/platform/host2/session7';
    await files(session, { 'iscsi_session/session7/recovery_tmo': '5' });
    await scsi('8:0', `${session}/target2:0:0/2:0:0:1`, 'sda', { dev: '8:0' });
    await disk('253:0', 'devices/virtual/block/dm-0', { 'dm/uuid': 'mpath-3600' });
    await mkdir(join(sys, 'devices/virtual/block/dm-0/slaves'));
    await symlink(
      join(sys, `${session}/target2:0:0/2:0:0:1/block/sda`),
      join(sys, 'devices/virtual/block/dm-0/slaves/sda'),
    );
    const facts = await diskFacts('253:0', sys);
    assert.equal(facts?.kind, 'multipath');
    assert.deepEqual(
      facts.holds.map(({ seconds }) => seconds),
      [undefined, 5, 30],
    );
  });

  it('is an NVMe namespace over a network with the time-out of its controller, and without inside the machine', async () => {
    await files('module/nvme_core/parameters', { io_timeout: '30' });
    await disk('259:0', 'devices/virtual/nvme-fabrics/ctl/nvme0/nvme0n1', {
      'device/transport': 'tcp',
      'device/ctrl_loss_tmo': '600',
    });
    await disk('259:1', 'devices/pci/nvme/nvme1/nvme1n1', {
      'device/transport': 'pcie',
      'device/ctrl_loss_tmo': '600',
    });
    const over = await diskFacts('259:0', sys);
    assert.deepEqual(
      over?.holds.map(({ seconds }) => seconds),
      [30, 600],
    );
    assert.deepEqual(
      (await diskFacts('259:1', sys))?.holds.map(({ seconds }) => seconds),
      [30],
    );
  });

  it("is the kernel's NBD client, a loop device or a hypervisor's disk", async () => {
    await disk('43:0', 'devices/virtual/block/nbd0', { dev: '43:0' });
    await disk('7:0', 'devices/virtual/block/loop0', { dev: '7:0' });
    await disk('254:0', 'devices/pci/virtio0/block/vda', { 'queue/write_cache': 'write through' });
    const found = await Promise.all(['43:0', '7:0', '254:0'].map((numbers) => diskFacts(numbers, sys)));
    assert.deepEqual(
      found.map((facts) => [facts?.kind, facts?.holds.length]),
      [
        ['nbd', 1],
        ['loop', 0],
        ['virtio', 0],
      ],
    );
    assert.equal(found[0]?.holds[0]?.seconds, undefined);
  });

  it('is unknown where sysfs does not have it', async () => {
    assert.equal(await diskFacts('8:0', sys), undefined);
  });
});
