import { describeSense, type Sense, SENSE_KEY, senseKeyName } from '../../wire/scsi/sense.ts';
import { SCSI_STATUS, scsiStatusName } from '../../wire/scsi/status.ts';

/** What a logical unit answered a command with. */
export interface ScsiAnswer {
  status: number;
  /** Of CHECK CONDITION, where it could be read. */
  sense: Sense | undefined;
}

/** The whole of an answer. */
export interface CommandAnswer extends ScsiAnswer {
  /** What was read: as much as the target sent. */
  data: Uint8Array;
  /** How many bytes of a write the target did not take, or of a read it did not have. */
  missingBytes: number;
}

/** `code` for programs: `RESERVATION CONFLICT`, `ILLEGAL REQUEST 21/00`; `words` for people. */
export interface Failure {
  code: string;
  words: string;
}

/** What went wrong; undefined when nothing did. An error that the unit recovered from by itself is none (SPC-4, 4.5.6). */
export function failureOf({ status, sense }: ScsiAnswer): Failure | undefined {
  if (status === SCSI_STATUS.GOOD) return undefined;
  if (status !== SCSI_STATUS.CHECK_CONDITION) return same(scsiStatusName(status));
  if (sense === undefined) return same('CHECK CONDITION without sense data');
  if (sense.key === SENSE_KEY.RECOVERED_ERROR && !sense.deferred) return undefined;
  const code = `${senseKeyName(sense.key)} ${twoDigits(sense.asc)}/${twoDigits(sense.ascq)}`;
  return { code: sense.deferred ? `deferred ${code}` : code, words: describeSense(sense) };
}

function same(text: string): Failure {
  return { code: text, words: text };
}

function twoDigits(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
