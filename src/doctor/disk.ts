import { readFile, readlink, realpath, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A block device of this machine, as its kernel tells of it. */
export interface DiskFacts {
  /** Of the whole disk: `sda`, `nbd0`, `dm-3`. */
  name: string;
  kind: 'scsi' | 'nbd' | 'nvme' | 'loop' | 'virtio' | 'multipath' | 'mapped' | 'other';
  /** queue/write_cache: whether the disk has a cache that a power cut empties, so that durable writes need a flush. */
  cache: 'write back' | 'write through' | undefined;
  /** queue/fua: flush and write are one request. */
  fua: boolean;
  /** queue/physical_block_size: what the medium writes at a time. */
  physicalBytes: number | undefined;
  /** How long this machine may hold a request before it fails it, and send it again meanwhile. */
  holds: Hold[];
}

/** `seconds` is undefined for no limit, and where the kernel does not tell which. */
export interface Hold {
  what: string;
  seconds: number | undefined;
  /** How it is changed. */
  setBy: string;
}

/** `numbers`: MAJOR:MINOR. Undefined where sysfs does not know it. `sys` is /sys, but in tests. */
export async function diskFacts(numbers: string, sys = '/sys'): Promise<DiskFacts | undefined> {
  const found = await realpath(join(sys, 'dev/block', numbers)).catch(() => undefined);
  if (found === undefined) return undefined;
  const whole = (await text(join(found, 'partition'))) === undefined ? found : dirname(found);
  const name = basename(whole);
  const kind = await kindOf(whole, name);
  const cache = await text(join(whole, 'queue/write_cache'));
  return {
    name,
    kind,
    cache: cache === 'write back' || cache === 'write through' ? cache : undefined,
    fua: (await text(join(whole, 'queue/fua'))) === '1',
    physicalBytes: wholeNumber(await text(join(whole, 'queue/physical_block_size'))),
    holds: await holdsOf(whole, name, kind, sys),
  };
}

async function kindOf(whole: string, name: string): Promise<DiskFacts['kind']> {
  if (name.startsWith('dm-'))
    return (await text(join(whole, 'dm/uuid')))?.startsWith('mpath-') === true ? 'multipath' : 'mapped';
  if (/^nbd\d/.test(name)) return 'nbd';
  if (/^nvme\d/.test(name)) return 'nvme';
  if (/^loop\d/.test(name)) return 'loop';
  if (/^vd[a-z]/.test(name)) return 'virtio';
  const subsystem = await readlink(join(whole, 'device/subsystem')).catch(() => '');
  return basename(subsystem) === 'scsi' ? 'scsi' : 'other';
}

async function holdsOf(whole: string, name: string, kind: DiskFacts['kind'], sys: string): Promise<Hold[]> {
  switch (kind) {
    case 'scsi':
      return scsiHolds(whole, name);
    case 'nbd':
      return [
        {
          what: 'the kernel NBD client',
          seconds: undefined,
          setBy: 'nbd-client -timeout 5, without -persist',
        },
      ];
    case 'nvme':
      return nvmeHolds(whole, sys);
    case 'multipath': {
      const queueing = {
        what: 'multipath without a path',
        seconds: undefined,
        setBy: 'no_path_retry fail in multipath.conf',
      };
      return [queueing, ...(await holdsBelow(whole, sys))];
    }
    case 'mapped':
      return holdsBelow(whole, sys);
    default:
      return [];
  }
}

/** Those of the devices that this one is made of. */
async function holdsBelow(whole: string, sys: string): Promise<Hold[]> {
  const holds: Hold[] = [];
  for (const slave of await readdir(join(whole, 'slaves')).catch(() => [])) {
    const numbers = await text(join(whole, 'slaves', slave, 'dev'));
    if (numbers !== undefined) holds.push(...((await diskFacts(numbers, sys))?.holds ?? []));
  }
  return holds;
}

/** The command's own time-out, and above it that of the session (iSCSI) or the remote port (Fibre Channel). */
async function scsiHolds(whole: string, name: string): Promise<Hold[]> {
  const holds: Hold[] = [];
  const add = async (what: string, file: string, setBy: string): Promise<void> => {
    const found = await text(file);
    if (found !== undefined) holds.push({ what, seconds: secondsIn(found), setBy });
  };
  const session = /^.*\/(session\d+)(?=\/)/.exec(whole);
  if (session !== null) {
    const file = join(session[0], 'iscsi_session', session[1]!, 'recovery_tmo');
    await add(
      `the iSCSI ${session[1]} (replacement_timeout)`,
      file,
      'node.session.timeo.replacement_timeout = 5 in iscsid.conf',
    );
  }
  const port = /^.*\/(rport-[\d:-]+)(?=\/)/.exec(whole);
  if (port !== null) {
    const directory = join(port[0], 'fc_remote_ports', port[1]!);
    const fast = join(directory, 'fast_io_fail_tmo');
    const set = (await text(fast)) !== 'off';
    await add(
      `the remote port (${set ? 'fast_io_fail_tmo' : 'dev_loss_tmo'})`,
      set ? fast : join(directory, 'dev_loss_tmo'),
      'fast_io_fail_tmo 5 in multipath.conf',
    );
  }
  await add('a SCSI command', join(whole, 'device/timeout'), `echo 5 > /sys/block/${name}/device/timeout`);
  return holds;
}

/** Over a network only: a controller within this machine is not reached again after its loss. */
async function nvmeHolds(whole: string, sys: string): Promise<Hold[]> {
  const transport = await text(join(whole, 'device/transport'));
  const holds: Hold[] = [];
  const io = await text(join(sys, 'module/nvme_core/parameters/io_timeout'));
  if (io !== undefined)
    holds.push({ what: 'an NVMe command', seconds: secondsIn(io), setBy: 'nvme_core.io_timeout=5' });
  const loss = await text(join(whole, 'device/ctrl_loss_tmo'));
  if (transport !== undefined && transport !== 'pcie' && loss !== undefined)
    holds.push({
      what: `the NVMe controller over ${transport}`,
      seconds: secondsIn(loss),
      setBy: 'nvme connect --ctrl-loss-tmo=5 --fast_io_fail_tmo=5',
    });
  return holds;
}

function wholeNumber(found: string | undefined): number | undefined {
  const value = Number(found);
  return Number.isInteger(value) && value > 0 ? value : undefined;
}

/** `off` and negative numbers stand for no limit. */
function secondsIn(found: string): number | undefined {
  const value = Number(found);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

async function text(file: string): Promise<string | undefined> {
  return (await readFile(file, 'utf8').catch(() => undefined))?.trim();
}
