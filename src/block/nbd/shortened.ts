const shownLength = 500;

/** A server's words as a message has room for them: NBD lets it say 4096 bytes. */
export function shortened(text: string): string {
  return text.length > shownLength ? `${text.slice(0, shownLength)}...` : text;
}
