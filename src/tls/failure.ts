/** What is wrong with the other side's certificate, behind "its certificate ..."; undefined for an error of another kind. */
export function certificateFault(code: string): string | undefined {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'has expired, or that of its CA has';
    case 'CERT_NOT_YET_VALID':
      return 'is not valid yet';
    case 'CERT_REVOKED':
      return 'was revoked';
    case 'CRL_HAS_EXPIRED':
      return 'cannot be checked: ca-crl.pem has expired';
    case 'UNABLE_TO_GET_CRL':
      return 'cannot be checked: ca-crl.pem is not of its CA';
    case 'INVALID_PURPOSE':
      return 'is for another purpose';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_SIGNATURE_FAILURE':
    case 'CERT_UNTRUSTED':
    case 'INVALID_CA':
      return 'is not of the CA in ca-cert.pem';
    default:
      return undefined;
  }
}

/** TLS alerts (RFC 8446, section 6) that say something about who is who. */
export const TLS_ALERT = {
  badRecordMac: 20,
  handshakeFailure: 40,
  badCertificate: 42,
  unsupportedCertificate: 43,
  certificateRevoked: 44,
  certificateExpired: 45,
  certificateUnknown: 46,
  unknownCa: 48,
  decryptError: 51,
  unknownPskIdentity: 115,
  certificateRequired: 116,
} as const;

/** The alert that the other side sent, by its number: OpenSSL gives some of them several names. */
export function alertIn(error: Error): number | undefined {
  const digits = /SSL alert number (\d+)/.exec(error.message)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** OpenSSL's own words without places in its source: `tlsv1 alert decrypt error`. */
export function tlsReason(error: Error): string {
  const { reason } = error as { reason?: unknown };
  return typeof reason === 'string' ? reason : error.message.trim();
}

/** True for what OpenSSL makes of bytes that are no TLS record. */
export function isNotTls(code: string): boolean {
  return /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|DATA_LENGTH_TOO_LONG|HTTP_REQUEST)$/.test(
    code,
  );
}
