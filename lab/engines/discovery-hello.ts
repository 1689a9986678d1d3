/**
 * The first Login Request of a discovery session (RFC 7143, section 11.12): what a target answers before it knows anybody,
 * and what changes nothing. Its one use is to see whether something answers at all.
 */
export function discoveryHello(): Uint8Array {
  const keys = [
    'InitiatorName=iqn.2026-11.example.arbiter:probe',
    'SessionType=Discovery',
    'AuthMethod=CHAP,None',
  ];
  const text = new TextEncoder().encode(keys.map((key) => `${key}\0`).join(''));
  const pdu = new Uint8Array(BHS_BYTES + Math.ceil(text.length / 4) * 4);
  pdu[0] = IMMEDIATE | LOGIN_REQUEST;
  pdu[1] = TRANSIT | (SECURITY << 2) | OPERATIONAL;
  pdu.set([text.length >> 16, text.length >> 8, text.length], 5);
  pdu.set(RANDOM_ISID, 8);
  pdu.set(text, BHS_BYTES);
  return pdu;
}

const BHS_BYTES = 48;
const IMMEDIATE = 0x40;
const LOGIN_REQUEST = 0x03;
const TRANSIT = 0x80;
const SECURITY = 0;
const OPERATIONAL = 1;
/** Of the type "random" (section 11.12.5). */
const RANDOM_ISID = [0x80, 0x6c, 0x61, 0x62, 0, 0];
