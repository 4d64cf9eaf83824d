import { existsSync } from "node:fs";

/** Where Perl is installed; never from PATH, where a project could put another. */
const PLACES = ["/usr/bin/perl", "/bin/perl", "/run/current-system/sw/bin/perl"];

/** The machine's Perl, for the system calls that Node has no words for; undefined where there is none, or no Linux. */
export function findPerl(): string | undefined {
  return process.platform === "linux" ? PLACES.find((path) => existsSync(path)) : undefined;
}
