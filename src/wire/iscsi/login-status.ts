/** Status classes of a Login Response (RFC 7143, section 11.13.5). */
export const STATUS_CLASS = { SUCCESS: 0, REDIRECTION: 1, INITIATOR_ERROR: 2, TARGET_ERROR: 3 } as const;

const meanings = new Map<number, string>([
  [0x0200, 'it finds a fault with the login'],
  [0x0201, 'authentication failed: check the CHAP user and secret'],
  [0x0202, 'this initiator may not use the target: check who is allowed there'],
  [0x0203, 'there is no such target here: check its name'],
  [0x0204, 'the target was removed from here'],
  [0x0205, 'it speaks no version of iSCSI that this initiator speaks'],
  [0x0206, 'too many connections in this session'],
  [0x0207, 'it misses a parameter'],
  [0x0208, 'the connection cannot be a part of this session'],
  [0x0209, 'it does not support this type of session'],
  [0x020a, 'there is no such session'],
  [0x020b, 'a request that has no place in a login'],
  [0x0300, 'it has an error of its own'],
  [0x0301, 'the service is not available at the moment'],
  [0x0302, 'it is out of resources'],
]);

const NOBODY_NAMED = 'authentication failed: it asks who this is by CHAP, and no user is named';

/** What a status other than success or redirection means and, where that helps, what to do. `user`: who this is to CHAP, if anybody. */
export function statusText(statusClass: number, statusDetail: number, user: string | undefined): string {
  const status = (statusClass << 8) | statusDetail;
  const unnamed = status === 0x0201 && user === undefined;
  const meaning = unnamed ? NOBODY_NAMED : (meanings.get(status) ?? classText(statusClass));
  return `refused with status ${status.toString(16).padStart(4, '0')}: ${meaning}`;
}

function classText(statusClass: number): string {
  if (statusClass === STATUS_CLASS.INITIATOR_ERROR) return 'an error of the initiator';
  if (statusClass === STATUS_CLASS.TARGET_ERROR) return 'an error of the target';
  return 'a class of status that RFC 7143 does not have';
}
