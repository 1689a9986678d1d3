/** Breaks a line at spaces so that none is longer than `width`; what follows is indented. A longer word stays whole. */
export function wrapped(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const fits = rest.lastIndexOf(' ', width);
    const at = fits > indent.length ? fits : rest.indexOf(' ', Math.max(width, indent.length + 1));
    if (at < 0) break;
    lines.push(rest.slice(0, at).trimEnd());
    rest = indent + rest.slice(at + 1).trimStart();
  }
  return [...lines, rest].join('\n');
}
