/** Certificates or keys cannot be used as they are: one line for people that names the file and what to do about it. */
export class TlsUnusable extends Error {
  override readonly name = 'TlsUnusable';
}
