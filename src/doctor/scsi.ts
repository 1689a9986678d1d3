import { RequestFailed } from '../ports/block-device.ts';
import { type Capacity, parseCapacity16, readCapacity16 } from '../wire/scsi/capacity.ts';
import {
  type BlockLimits,
  deviceIdentification,
  inquiry,
  parseBlockLimits,
  parseDeviceIdentification,
  parseStandardInquiry,
  VPD_PAGE,
} from '../wire/scsi/inquiry.ts';
import { modeSense6, type ModeParameters, parseModeSense6 } from '../wire/scsi/mode-sense.ts';
import { OPERATION } from '../wire/scsi/operation.ts';
import {
  parseKeys,
  parseReservation,
  parseReservationCapabilities,
  type ReservationCapabilities,
} from '../wire/scsi/persistent-reserve-data.ts';
import { persistentReserveIn, PR_IN, PR_OUT } from '../wire/scsi/persistent-reserve.ts';
import { MalformedScsiData, type ScsiRequest } from '../wire/scsi/request.ts';
import { SENSE_KEY, type Sense } from '../wire/scsi/sense.ts';
import { SCSI_STATUS, scsiStatusName } from '../wire/scsi/status.ts';
import { parseSupportedOperation, reportSupportedOperation } from '../wire/scsi/supported-operation.ts';

/** What a logical unit answered one command. */
interface Answer {
  status: number;
  sense: Sense | undefined;
  data: Uint8Array;
}

/** Sends one command to the unit. */
export type Ask = (request: ScsiRequest) => Promise<Answer>;

/** `unsaid`: the unit has no REPORT SUPPORTED OPERATION CODES, or does not tell. */
type Support = 'yes' | 'no' | 'unsaid';

/** A logical unit, by its own words. What is undefined it does not know, or tells nobody but the holder of its reservation. */
export interface ScsiFacts {
  /** Vendor, product, revision. */
  product: string;
  capacity: Capacity | undefined;
  limits: BlockLimits | undefined;
  mode: ModeParameters | undefined;
  /** The name by which several paths are known to lead to one unit (page 83, NAA or EUI-64). */
  unitName: string | undefined;
  registered: { keys: readonly bigint[]; held: { key: bigint; type: number } | undefined } | undefined;
  reservations: ReservationCapabilities | undefined;
  compareAndWrite: Support;
  preemptAndAbort: Support;
}

/** Asks, by commands that change nothing. Rejects with RequestFailed when the unit does not say what every disk says. */
export async function scsiFacts(ask: Ask): Promise<ScsiFacts> {
  const wished = <T>(request: ScsiRequest, read: (data: Uint8Array) => T) => answered(ask, request, read);
  const product = await wished(inquiry(), parseStandardInquiry);
  if (product === undefined) throw new RequestFailed('the unit does not know INQUIRY', 'ILLEGAL REQUEST');
  const keys = await wished(persistentReserveIn(PR_IN.READ_KEYS), parseKeys);
  const held = await wished(persistentReserveIn(PR_IN.READ_RESERVATION), parseReservation);
  return {
    product: `${product.vendor} ${product.product} ${product.revision}`,
    capacity: await wished(readCapacity16(), parseCapacity16),
    limits: await wished(inquiry(VPD_PAGE.BLOCK_LIMITS), parseBlockLimits),
    mode: await wished(modeSense6(), parseModeSense6),
    unitName: nameIn(await wished(deviceIdentification(), parseDeviceIdentification)),
    registered: keys === undefined ? undefined : { keys: keys.keys, held: held?.held },
    reservations: await wished(persistentReserveIn(PR_IN.REPORT_CAPABILITIES), parseReservationCapabilities),
    compareAndWrite: await supports(ask, OPERATION.COMPARE_AND_WRITE),
    preemptAndAbort: await supports(ask, OPERATION.PERSISTENT_RESERVE_OUT, PR_OUT.PREEMPT_AND_ABORT),
  };
}

const mostAttentions = 8;

/** Undefined where the unit does not know what it was asked, or answers it to its owner alone. What happened to it before is told first, and asked past. */
async function answered<T>(
  ask: Ask,
  request: ScsiRequest,
  read: (data: Uint8Array) => T,
): Promise<T | undefined> {
  for (let attentions = 0; ; attentions += 1) {
    const { status, sense, data } = await ask(request);
    if (status === SCSI_STATUS.GOOD) return understood(data, read);
    if (status === SCSI_STATUS.RESERVATION_CONFLICT || sense?.key === SENSE_KEY.ILLEGAL_REQUEST)
      return undefined;
    if (sense?.key === SENSE_KEY.UNIT_ATTENTION && attentions < mostAttentions) continue;
    throw new RequestFailed(`the unit answered ${scsiStatusName(status)}`, scsiStatusName(status));
  }
}

/** Rejects with RequestFailed where the unit breaks the form of its own answer. */
function understood<T>(data: Uint8Array, read: (data: Uint8Array) => T): T {
  try {
    return read(data);
  } catch (error) {
    if (!(error instanceof MalformedScsiData)) throw error;
    throw new RequestFailed(error.message, 'EIO', { cause: error });
  }
}

async function supports(ask: Ask, operation: number, serviceAction?: number): Promise<Support> {
  const found = await answered(
    ask,
    reportSupportedOperation(operation, serviceAction),
    parseSupportedOperation,
  );
  return found === undefined || found === 'unknown' ? 'unsaid' : found;
}

function nameIn(designators: ReturnType<typeof parseDeviceIdentification> | undefined): string | undefined {
  const own = (designators ?? []).filter(({ association }) => association === 0);
  const best = own.find(({ type }) => type === 3) ?? own.find(({ type }) => type === 2);
  if (best === undefined) return undefined;
  return `${best.type === 3 ? 'naa' : 'eui'}.${Buffer.from(best.designator).toString('hex')}`;
}
