import { initiatorNameFor } from '../block/iscsi/identity.ts';
import type { UnitInfo } from '../block/iscsi/unit-info.ts';
import { IscsiUnit } from '../block/iscsi/unit.ts';
import type { IscsiAddress } from '../block/uri-iscsi.ts';
import type { ReservableUnit } from '../ports/reservable-unit.ts';

/** One path to the unit of the data area: a session of its own, for one attempt and the access that comes of it. */
export interface UnitPath extends ReservableUnit {
  /** For messages: without secrets. */
  readonly name: string;
  /** False once its session is lost or being left: no command goes that way any more. */
  readonly usable: boolean;
  onClosed(listener: (reason: string) => void): void;
  /** What the unit calls itself (INQUIRY page 83), the same by whatever path; '' where it has no name. */
  identity(deadlineMs: number): Promise<string>;
  describe(deadlineMs: number): Promise<UnitInfo>;
  read(
    info: UnitInfo,
    offsetBytes: number,
    lengthBytes: number,
    deadlineMs: number,
    into: Uint8Array,
  ): Promise<Uint8Array>;
  write(info: UnitInfo, offsetBytes: number, bytes: Uint8Array, deadlineMs: number): Promise<void>;
  writeDurably(info: UnitInfo, offsetBytes: number, bytes: Uint8Array, deadlineMs: number): Promise<void>;
  flush(deadlineMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Who a target is told to be talking to: the server by name, and what for, as a gate would be told. */
export interface PathUser {
  node: string;
  alias: string;
}

export function openIscsiPath(
  address: IscsiAddress,
  { node, alias }: PathUser,
  deadlineMs: number,
): Promise<UnitPath> {
  return IscsiUnit.open({ address, initiatorName: initiatorNameFor(node), alias }, deadlineMs);
}
