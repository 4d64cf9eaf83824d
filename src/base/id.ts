import type { Clock, Random } from "./clock.js";

/** A UUID version 7 (RFC 9562): 48 bits of Unix ms, then random bits; sorts by time of making. */
export function newId(deps: { readonly clock: Clock; readonly random: Random }): string {
  const bytes = Buffer.alloc(16);
  bytes.set(deps.random(10), 6);
  bytes.writeUIntBE(deps.clock.now(), 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
