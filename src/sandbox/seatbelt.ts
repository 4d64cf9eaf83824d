import type { Guard } from "./guard.js";

/** What a profile for macOS's sandbox-exec allows. Real paths. */
export interface SeatbeltCell {
  readonly roots: readonly string[];
  readonly guard: Guard;
  readonly network: boolean;
}

const BASE = `(version 1)
(deny default)
(allow process-exec)
(allow process-fork)
(allow process-info* (target same-sandbox))
(allow signal (target same-sandbox))
(allow file-read*)
(allow file-ioctl (regex #"^/dev/tty"))
(allow file-write-data (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty"))
(allow sysctl-read)
(allow ipc-posix-sem)
(allow ipc-posix-shm*)
(allow pseudo-tty)
(allow file-read* file-write* (literal "/dev/ptmx") (regex #"^/dev/ttys[0-9]+$"))
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))
`;
const NETWORK = `(allow network-outbound)
(allow network-inbound)
(allow system-socket)
(allow mach-lookup (global-name "com.apple.SystemConfiguration.configd") (global-name "com.apple.trustd.agent"))
`;

/**
 * The profile as text, for `sandbox-exec -p`. What is protected is not writable, and what does not exist yet neither
 * can be made: rules go by name here, unlike mounts. A held folder can't be removed or renamed.
 */
export function seatbeltProfile({ roots, guard, network }: SeatbeltCell): string {
  const lines = roots.map((root) => `(allow file-write* (subpath ${quoted(root)}))`);
  for (const { path, kind } of guard.mounts) {
    lines.push(
      kind === "held"
        ? `(deny file-write-unlink (literal ${quoted(path)}))`
        : `(deny file-write* (subpath ${quoted(path)}))`,
    );
  }
  for (const { path } of guard.watched) lines.push(`(deny file-write* (subpath ${quoted(path)}))`);
  return `${BASE}${network ? NETWORK : ""}${lines.map((line) => `${line}\n`).join("")}`;
}

function quoted(path: string): string {
  return `"${path.replace(/[\\"]/g, "\\$&")}"`;
}
