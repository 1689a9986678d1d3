import { isLoopback } from './reach.ts';
import { IscsiUnit } from '../block/iscsi/unit.ts';
import { formatIscsiUri, type IscsiAddress } from '../block/uri-iscsi.ts';
import { RequestFailed } from '../ports/block-device.ts';
import { type Finding, ok, warning } from './finding.ts';
import { judgeScsi, type UnitView } from './judge-scsi.ts';
import { DoctorRefuses } from './refusal.ts';
import { type Nexus, ReservationTrial } from './reservations.ts';
import { scsiFacts } from './scsi.ts';
import type { Unfinished } from './unfinished.ts';

/** How a target sees the sessions of a doctor, beside the initiator's name. */
const ALIAS = 'doctor';

/** What a unit says of itself, on a session of its own. Rejects as `IscsiUnit.open` does. */
export async function iscsiFindings(
  address: IscsiAddress,
  view: UnitView,
  deadlineMs: number,
): Promise<Finding[]> {
  await using unit = await IscsiUnit.open({ address, alias: ALIAS }, deadlineMs);
  const facts = await scsiFacts(async (request) => {
    // A target may take its leave right behind an answer.
    if (!unit.usable) throw new RequestFailed(`${unit.name}: the session was lost`, 'ENOTCONN');
    return unit.session.command(address.lun, request, deadlineMs);
  });
  const { header, data } = unit.session.parameters.digests;
  return [...judgeScsi(facts, view), judgeLogin(address, process.env), judgeDigests({ header, data })];
}

/** Exported for its test. */
export function judgeLogin(
  address: IscsiAddress,
  environment: Readonly<Record<string, string | undefined>>,
): Finding {
  const thing = 'login';
  const user = address.user ?? environment['LIBISCSI_CHAP_USERNAME'] ?? '';
  const target = address.targetUser ?? environment['LIBISCSI_CHAP_TARGET_USERNAME'] ?? '';
  if (user !== '') return ok(thing, target === '' ? 'CHAP' : 'CHAP, both ways');
  if (isLoopback(address.host)) return ok(thing, 'without CHAP, and none is needed within this machine');
  return warning(
    thing,
    'without CHAP: whoever reaches the target can read, write and reserve in the name of any server',
    'give every server a CHAP account (chap-secret-file=), and the target a network of its own',
  );
}

function judgeDigests({ header, data }: { header: boolean; data: boolean }): Finding {
  const thing = 'digests';
  if (header && data) return ok(thing, 'CRC32C over headers and data');
  if (data) return ok(thing, 'CRC32C over data');
  const alone = header ? 'CRC32C over headers, none over data' : 'none';
  return ok(thing, `${alone}: TCP's checksum alone; data-digest=crc32c in the URI asks for one`);
}

interface TrialOptions {
  deadlineMs: number;
  signal: AbortSignal;
  unfinished: Unfinished;
}

/** Two sessions of their own try reservations. Rejects with DoctorRefuses when the unit is in use. */
export async function tryReservations(
  address: IscsiAddress,
  { deadlineMs, signal, unfinished }: TrialOptions,
): Promise<Finding[]> {
  await using first = await IscsiUnit.open({ address, alias: ALIAS }, deadlineMs);
  await using second = await IscsiUnit.open({ address, alias: ALIAS }, deadlineMs);
  const trial = new ReservationTrial(await nexus(first), await nexus(second), deadlineMs);
  unfinished.watch(() => trial.open);
  return await trial.run(signal).catch((error: unknown) => {
    if (!(error instanceof DoctorRefuses)) throw error;
    throw new DoctorRefuses(`${formatIscsiUri(address)}: ${error.message}`, 'storage');
  });

  async function nexus(unit: IscsiUnit): Promise<Nexus> {
    const info = await unit.describe(deadlineMs);
    return { unit, read: (withinMs) => unit.read(info, 0, info.blockBytes, withinMs) };
  }
}
