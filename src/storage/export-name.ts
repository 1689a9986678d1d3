import { isNodeName } from '../area/field.ts';
import type { Grant } from '../ports/audit.ts';

/** What an export name asks for (PROTOCOL, "The data area at the storage node"). */
export type ExportName =
  | { kind: 'quorum' }
  /** `incarnation` is '' where the name has none: only `literal` agents and canaries ask so. */
  | { kind: 'data'; grant: Grant }
  | { kind: 'unknown'; why: string };

const DATA = /^data@([^.@]*)\.([^.]*)(?:\.(.*))?$/s;
const EPOCH = /^(?:0|[1-9][0-9]{0,15})$/;
const SHORT_INCARNATION = /^[0-9a-f]{8}$/;

/** Reads an export name as a client sent it. Never throws; one spelling per name, so equal grants are equal names. */
export function parseExportName(name: string): ExportName {
  if (name === 'quorum') return { kind: 'quorum' };
  const [, node, digits, incarnation] = DATA.exec(name) ?? [];
  if (node === undefined || digits === undefined) return unknown('no export of that name');
  if (!isNodeName(node)) return unknown(`'${node}' is not a node name`);
  const epoch = Number(digits);
  if (!EPOCH.test(digits) || !Number.isSafeInteger(epoch)) return unknown(`'${digits}' is not an epoch`);
  if (incarnation !== undefined && !SHORT_INCARNATION.test(incarnation)) {
    return unknown(`'${incarnation}' is not 8 hex digits of an incarnation`);
  }
  return { kind: 'data', grant: { node, epoch, incarnation: incarnation ?? '' } };
}

/** The one export name that a grant admits. */
export function formatDataName(grant: Grant): string {
  return `data@${grant.node}.${grant.epoch}${grant.incarnation === '' ? '' : `.${grant.incarnation}`}`;
}

function unknown(why: string): ExportName {
  return { kind: 'unknown', why };
}
