import { stat, statfs } from 'node:fs/promises';
import { deviceNumbers } from '../block/file-probe.ts';
import type { FileBlockDevice } from '../block/file.ts';
import { type DiskFacts, diskFacts } from './disk.ts';
import { type DiskReservations, diskReservations } from './disk-reservations.ts';
import { type Finding, ok, warning } from './finding.ts';
import { wholeSectors } from './geometry.ts';
import { whoHas } from './judge-scsi.ts';

/** A path of this machine that is used as a storage. */
export interface FileFacts {
  path: string;
  /** O_DIRECT: requests pass this machine's page cache. */
  direct: boolean;
  /** Of a regular file: what it lies on, as far as its name is known here. */
  fileSystem: string | undefined;
  /** Of a block device, where sysfs tells of it. */
  disk: DiskFacts | undefined;
  regular: boolean;
  /** Of a SCSI disk. */
  reservations: DiskReservations | undefined;
}

export async function fileFacts(
  device: FileBlockDevice,
  path: string,
  deadlineMs: number,
): Promise<FileFacts> {
  const found = await stat(path);
  const regular = found.isFile();
  const { major, minor } = deviceNumbers(found.rdev);
  const disk = regular ? undefined : await diskFacts(`${major}:${minor}`);
  return {
    path,
    direct: device.direct,
    regular,
    fileSystem: regular ? fileSystems[(await statfs(path)).type] : undefined,
    disk,
    reservations: disk?.kind === 'scsi' ? await diskReservations(path, deadlineMs) : undefined,
  };
}

/** statfs(2), f_type. */
const fileSystems: Readonly<Record<number, string>> = {
  0x01021994: 'tmpfs',
  0x858458f6: 'ramfs',
  0x6969: 'NFS',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB',
  0x00c36400: 'CephFS',
  0x01161970: 'GFS2',
  0x7461636f: 'OCFS2',
  0x65735546: 'FUSE',
  0x794c7630: 'overlayfs',
  0xef53: 'ext4',
  0x58465342: 'XFS',
  0x9123683e: 'Btrfs',
};

const sharedByMachines = ['NFS', 'CIFS', 'SMB', 'CephFS', 'GFS2', 'OCFS2', 'FUSE'];
const inMemory = ['tmpfs', 'ramfs'];

/** `sectorBytes`: of the area that is there, or of one that would be laid out. */
export function judgeFile(facts: FileFacts, sectorBytes: number): Finding[] {
  return [
    sharing(facts),
    caching(facts),
    durability(facts),
    ...wholeSectors(facts.disk?.physicalBytes, sectorBytes),
    fencing(facts),
  ];
}

function sharing({ regular, fileSystem, disk }: FileFacts): Finding {
  const thing = 'who reaches it';
  if (disk?.kind === 'loop')
    return warning(thing, `${disk.name}: ${kinds.loop}, and no other server`, SERVE_IT);
  if (!regular) {
    const name = disk === undefined ? 'a disk' : `${disk.name}, ${kinds[disk.kind]}`;
    return ok(
      thing,
      `${name}: every machine that has the same disk; that it is the same one is not checked here`,
    );
  }
  if (fileSystem !== undefined && sharedByMachines.includes(fileSystem))
    return warning(
      thing,
      `a file on ${fileSystem}, which caches and repeats requests by rules of its own`,
      'serve the file by `arbiter storage` on the machine that has the disk',
    );
  return warning(
    thing,
    `a file${fileSystem === undefined ? '' : ` on ${fileSystem}`}: this machine alone, and no other server`,
    SERVE_IT,
  );
}

const SERVE_IT = 'serve it by `arbiter storage`; used as it is, it is for trying things out on one machine';

const kinds: Readonly<Record<DiskFacts['kind'], string>> = {
  scsi: 'a SCSI disk',
  nbd: "the kernel's NBD client",
  nvme: 'an NVMe namespace',
  loop: 'a loop device over a file of this machine alone',
  virtio: 'a disk of the hypervisor',
  multipath: 'several paths to one disk',
  mapped: 'a device mapper target',
  other: 'a block device',
};

function caching({ direct }: FileFacts): Finding {
  const thing = 'page cache';
  if (direct) return ok(thing, 'passed by (O_DIRECT)');
  return warning(
    thing,
    'reads are answered from the page cache of this machine: writes of others may not be seen',
    'use a file system or device with O_DIRECT',
  );
}

function durability({ fileSystem, disk }: FileFacts): Finding {
  const thing = 'durability';
  if (fileSystem !== undefined && inMemory.includes(fileSystem))
    return warning(thing, `${fileSystem} is memory: all of it is gone with the power`, 'use a disk');
  if (disk?.cache === 'write back')
    return ok(
      thing,
      disk.fua ? 'write cache, emptied by forced unit access' : 'write cache, flushed after every write',
    );
  if (disk?.cache === 'write through') return ok(thing, 'no write cache that the kernel knows of');
  return ok(thing, 'every write returns when it is on the disk (O_DSYNC)');
}

function fencing({ regular, disk, reservations }: FileFacts): Finding {
  const thing = 'fencing';
  const instead = 'for a data area use a gate (arbiter storage) or iSCSI; fencing: none needs unsafe: true';
  if (reservations?.kind === 'taken') {
    const persists = 'sg_persist --in --report-capabilities says whether they outlive a restart of the array';
    return ok(thing, `persistent reservations, by sg3-utils; ${whoHas(reservations)}; ${persists}`);
  }
  if (reservations !== undefined) return warning(thing, `none: ${reservations.why}`, instead);
  if (disk?.kind === 'multipath')
    return warning(
      thing,
      'none: reservations through the multipath of the kernel are not taken',
      'speak iSCSI to each path (data: a list of URIs), or use one path',
    );
  const what = regular ? 'a file' : 'this kind of device';
  return warning(thing, `none: ${what} has no reservations, and nothing shuts out a former owner`, instead);
}
