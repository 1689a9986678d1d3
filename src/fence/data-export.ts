import { formatNbdUri, type NbdAddress } from '../block/uri-nbd.ts';
import { parseDeviceUri } from '../block/uri.ts';

/** Who asks for the data area: what a gate reads off the export's name. */
export interface Claimant {
  node: string;
  /** 32 hex digits. */
  incarnation: string;
  protocol: 'safe' | 'literal';
}

/** `data@NODE.EPOCH.INCARNATION`, short form of the incarnation; `data@NODE.0` under `literal`, which has no epochs. */
export function dataExport({ node, incarnation, protocol }: Claimant, epoch: number): string {
  return protocol === 'literal' ? `data@${node}.0` : `data@${node}.${epoch}.${incarnation.slice(0, 8)}`;
}

/** The NBD server in `uri` when it is left to the agent to name the export; undefined for any other kind of URI. */
export function nbdServer(uri: string): NbdAddress | undefined {
  const parsed = parseDeviceUri(uri);
  return parsed.kind === 'nbd' && parsed.exportName === '' ? parsed.address : undefined;
}

export function dataUri(address: NbdAddress, claimant: Claimant, epoch: number): string {
  return formatNbdUri(address, dataExport(claimant, epoch));
}
