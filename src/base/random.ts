import { randomFillSync } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";

/** The system's random bytes, read as from a file: node:crypto would be loaded for the 16 bytes of an id, at every start. */
export function systemRandom(n: number): Uint8Array {
  const bytes = new Uint8Array(n);
  try {
    const device = openSync("/dev/urandom", "r");
    try {
      if (readSync(device, bytes) === n) return bytes;
    } finally {
      closeSync(device);
    }
  } catch {
    // A system or a chroot without that device.
  }
  return randomFillSync(bytes);
}
