/**
 * `createServer` of node:http, without what its import brings in. An import evaluates every export of a built-in module,
 * here `WebSocket` among them, for which Node 24 loads all of undici: 14 MiB of memory and twice the time that a small
 * program needs to start, in every process for as long as it lives.
 */
export const { createServer } = process.getBuiltinModule('node:http');
