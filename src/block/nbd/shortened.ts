const shownLength = 500;

/** A server's words as a message has room for them: NBD lets it say 4096 bytes. */
export function shortened(text: string): string {
  if (text.length <= shownLength) return text;
  // Not within a surrogate pair: half of a character is none.
  return `${text.slice(0, shownLength).replace(/[\ud800-\udbff]$/, '')}...`;
}
