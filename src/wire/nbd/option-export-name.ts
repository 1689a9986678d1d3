import { Reader } from '../../bytes/cursor.ts';
import { NBD_OPT } from './constants.ts';
import { addressable, type ExportInfo, exportInfo, unaskedBlockSizes } from './export-info.ts';
import { encodeExportName, encodeOption } from './option.ts';
import type { Broken } from './outcome.ts';

/** NBD_OPT_EXPORT_NAME: for servers without NBD_OPT_GO. One that does not let the client in can but close. */
export function optionExportName(exportName: string): Uint8Array {
  return encodeOption(NBD_OPT.EXPORT_NAME, encodeExportName(exportName));
}

/** The answer: size and transmission flags, `NBD_SIZE.exportReply` bytes at least; zeroes may follow. */
export function readExportReply(reply: Uint8Array): ExportInfo | Broken {
  const reader = new Reader(reply);
  const sizeBytes = addressable(reader.u64());
  return typeof sizeBytes === 'number' ? exportInfo(sizeBytes, reader.u16(), unaskedBlockSizes) : sizeBytes;
}
