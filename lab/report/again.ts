/** The command that runs these scenarios again. */
export function againCommand(
  names: readonly string[],
  engine: string,
  storage: string,
  seed: number,
): string {
  return `bin/lab run ${names.join(' ')} --engine ${engine} --storage ${storage} --seed ${seed}`;
}
