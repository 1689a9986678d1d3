import type { FieldKind } from './line-shapes.ts';

export interface LinesRead<L> {
  lines: L[];
  /** One sentence for each line that is not part of the history, naming file and line. */
  unreadable: string[];
  /** The last line, when it breaks off: no newline, and no whole object. */
  torn: string | undefined;
}

/**
 * The lines of one file of the history. `common` are the fields of every line, `shapes` those of each event; a line
 * that is not JSON, misses a field or tells an unknown event is unreadable, and is told rather than thrown.
 */
export function readLines<L>(
  file: string,
  text: string,
  common: Readonly<Record<string, FieldKind>>,
  shapes: Readonly<Record<string, Readonly<Record<string, FieldKind>>>>,
): LinesRead<L> {
  const read: LinesRead<L> = { lines: [], unreadable: [], torn: undefined };
  const texts = text.split('\n');
  const whole = texts.at(-1) === '';
  if (whole) texts.pop();
  for (const [index, lineText] of texts.entries()) {
    const line = parse(lineText);
    const isLast = index === texts.length - 1;
    if (line === undefined && isLast && !whole) {
      read.torn = `${file}:${index + 1} breaks off: ${excerpt(lineText)}`;
      continue;
    }
    const why = line === undefined ? `not JSON: ${excerpt(lineText)}` : misfit(line, common, shapes);
    if (why === undefined) read.lines.push(line as L);
    else read.unreadable.push(`${file}:${index + 1} ${why}`);
  }
  return read;
}

/** Why this is no line of the history; undefined when it is one. */
function misfit(
  line: Readonly<Record<string, unknown>>,
  common: Readonly<Record<string, FieldKind>>,
  shapes: Readonly<Record<string, Readonly<Record<string, FieldKind>>>>,
): string | undefined {
  if ('v' in common && line['v'] !== 1) return `is of version ${JSON.stringify(line['v'])}, not 1`;
  const event = line['event'];
  if (typeof event !== 'string' || !Object.hasOwn(shapes, event))
    return `tells an unknown event: ${JSON.stringify(event)}`;
  for (const [field, kind] of Object.entries({ ...common, ...shapes[event] })) {
    if (!fits(line[field], kind))
      return `(${event}) has no ${field} that is a ${kind.replace('?', ' or null')}`;
  }
  return undefined;
}

function fits(value: unknown, kind: FieldKind): boolean {
  if (value === null) return kind.endsWith('?');
  return typeof value === kind.replace('?', '');
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export function excerpt(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
