import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/**
 * For both sides, certificates or keys: TLS 1.2 and newer (the NBD protocol's text, "TLS versions"), and no
 * renegotiation, behind which another client could stand.
 */
export const commonSettings = {
  minVersion: 'TLSv1.2',
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const satisfies SecureContextOptions;

/** Ciphers for pre-shared keys: those of TLS 1.3, and of TLS 1.2 those whose sessions stay secret when the key leaks. */
export const pskCiphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-PSK-CHACHA20-POLY1305',
  'DHE-PSK-AES256-GCM-SHA384',
  'DHE-PSK-AES128-GCM-SHA256',
  'DHE-PSK-CHACHA20-POLY1305',
].join(':');
