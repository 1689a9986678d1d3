import assert from 'node:assert/strict';
import { NbdBlockDevice } from '../block/nbd/device.ts';
import { parseDeviceUri } from '../block/uri.ts';
import { dataName, owned, recordSector, type TestGate } from './gate.fixture.ts';

/** Opened as an agent does. */
export async function device(uri: string): Promise<NbdBlockDevice> {
  const parsed = parseDeviceUri(uri);
  assert.ok(parsed.kind === 'nbd');
  return NbdBlockDevice.open(parsed.address, parsed.exportName, 5000);
}

/** What a client is told, without the URI. */
export async function told(uri: string): Promise<string> {
  const error: unknown = await device(uri).then(
    async (opened) => `opened: ${opened.sizeBytes}`,
    (error: unknown) => error,
  );
  return error instanceof Error ? error.message.replace(/^nbds?:\S+: /, '') : String(error);
}

/** Makes alpha the owner, of epoch 5; `uri` is that of the quorum area. */
export async function withOwner(gate: TestGate, uri: string): Promise<void> {
  await using quorum = await device(uri);
  await quorum.writeDurably(512, recordSector(owned('alpha', 5)), 5000);
  await gate.audit.line('drained', ({ epoch }) => epoch === 5);
}

/** What a client is told that asks for alpha's name and is refused for `reason`. */
export const refusedBy = (reason: string): string => {
  return `the server refused the export with NBD_REP_ERR_POLICY: ${dataName('alpha', 5)} refused: ${reason}`;
};
