/** Names longer than this are cut in the text: all of it has to fit into an NBD string. */
const shownNameLength = 200;

/**
 * What a gate answers to an export name it does not admit, as the text of an NBD_REP_ERR: PROTOCOL.md, "The data area
 * at the storage node", and R7 for whoever reads it.
 */
export function refusalText(exportName: string, grantedEpoch: number, reason?: string): string {
  const shown =
    exportName.length > shownNameLength ? `${exportName.slice(0, shownNameLength)}...` : exportName;
  const because = reason === undefined ? '' : ` (${reason})`;
  return `${shown} refused${because}: last granted epoch ${grantedEpoch}`;
}

/** The epoch a refusal names, or undefined when the text is not of this kind. The end counts: a name may say anything. */
export function grantedEpochIn(text: string): number | undefined {
  const digits = /: last granted epoch (\d{1,16})\s*$/.exec(text)?.[1];
  const epoch = Number(digits);
  return digits !== undefined && Number.isSafeInteger(epoch) ? epoch : undefined;
}
