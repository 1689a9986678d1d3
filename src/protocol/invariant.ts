/** Asserts a claim about this program itself. Never for what a disk or a peer said. */
export function invariant(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new Error(`protocol: broken invariant: ${claim}`);
}
