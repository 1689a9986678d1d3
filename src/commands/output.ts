/** Standard output of the commands that print data and end. The agent and the gate write their own lines. */
export const COLUMNS = 80;

export function printLines(lines: readonly string[]): void {
  write(lines.map((line) => `${line}\n`).join(''));
}

export function printJson(value: unknown): void {
  write(`${JSON.stringify(value, null, 2)}\n`);
}

/** One line, for output that goes on. */
export function printJsonLine(value: unknown): void {
  write(`${JSON.stringify(value)}\n`);
}

/**
 * Columns aligned by their widest cell, two spaces between them. When a line would pass COLUMNS, the cells of column
 * `clip` are cut and end in `...`.
 */
export function table(rows: readonly (readonly string[])[], clip: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const excess = widths.reduce((sum, width) => sum + width + 2, -2) - COLUMNS;
  if (excess > 0) widths[clip] = Math.max(4, widths[clip]! - excess);
  return rows.map((row) =>
    row
      .map((cell, column) => clipped(cell, widths[column]!).padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** `owner     server-2`: a list of names and what they are, aligned. */
export function fields(entries: readonly (readonly [name: string, value: string])[], indent = ''): string[] {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${indent}${name.padEnd(width)}  ${value}`.trimEnd());
}

/** Breaks a line at spaces so that none is longer than COLUMNS; what follows is indented. A longer word stays whole. */
export function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > COLUMNS) {
    const at = rest.lastIndexOf(' ', COLUMNS);
    if (at <= indent.length) break;
    lines.push(rest.slice(0, at).trimEnd());
    rest = indent + rest.slice(at + 1).trimStart();
  }
  return [...lines, rest];
}

/** The wall clock of whoever wrote a block; '' when it did not say. */
export function wallTime(wallMs: number): string {
  const date = new Date(wallMs);
  return wallMs === 0 || Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

function clipped(cell: string, width: number): string {
  return cell.length <= width ? cell : `${cell.slice(0, width - 3)}...`;
}

let guarded = false;

/** `arbiter dump | head` is no error: a reader who leaves has seen enough. */
function write(text: string): void {
  if (!guarded) {
    guarded = true;
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(0);
    });
  }
  process.stdout.write(text);
}
