/** The command that runs these scenarios again, each over the storages it was run over. */
export function againCommand(
  ran: readonly { name: string; storage: string; engine: string; seed: number }[],
): string {
  const names = [...new Set(ran.map(({ name }) => name))];
  const storages = [...new Set(ran.map(({ storage }) => `--storage ${storage}`))];
  const { engine, seed } = ran[0]!;
  return `bin/lab run ${names.join(' ')} --engine ${engine} ${storages.join(' ')} --seed ${seed}`;
}
