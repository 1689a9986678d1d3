import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** Under which targets see this program's sessions; the part behind the colon is the server's. */
const prefix = 'iqn.2026-11.example.arbiter:';

/** The initiator's name of a server, by default this one. What a name cannot have becomes a `-` (RFC 3722, section 6). */
export function initiatorNameFor(server: string = hostname()): string {
  return prefix + (server.toLowerCase().replace(/[^a-z0-9.:-]/g, '-') || 'unnamed');
}

/** Never used before: a session under it takes the place of no other one (RFC 7143, section 11.12.5, type "random"). */
export function randomIsid(): Uint8Array {
  const isid = new Uint8Array(randomBytes(6));
  isid[0] = 0x80;
  return isid;
}
