/** A CDB of 16 bytes with an address and a number of blocks (SBC-3, 5.11 and the like). */
export function cdb16(operation: number, flags: number, block: number, blocks: number): Uint8Array {
  const cdb = Buffer.alloc(16);
  cdb[0] = operation;
  cdb[1] = flags;
  cdb.writeBigUInt64BE(BigInt(block), 2);
  cdb.writeUInt32BE(blocks, 10);
  return cdb;
}
