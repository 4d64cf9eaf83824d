const NO_SPACE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const NO_RIGHT: ReadonlySet<string> = new Set(["EROFS", "EACCES", "EPERM"]);

/** What helps when the home folder's disk takes nothing; `failure` is the message of a system error, which begins with its code. */
export function remedyFor(failure: string, home: string): string | undefined {
  const [code = ""] = failure.split(":");
  if (NO_SPACE.has(code)) return `free space on the disk of ${home}`;
  if (NO_RIGHT.has(code)) return `see to it that ${home} can be written, or set BELAY_HOME to another folder`;
  return undefined;
}
