/**
 * Runs a program in a PID namespace of its own with util-linux's unshare: a view of /proc that fits is all that
 * changes; who is not root gets a user namespace around it, in which set-user-id programs (sudo) don't work.
 * setpriv: unshare itself outlives the program that started it.
 */
export function unshareCage(
  programs: { readonly setpriv: string; readonly unshare: string },
  user: "root" | "other",
): string[] {
  return [
    ...[programs.setpriv, "--pdeathsig", "KILL", "--", programs.unshare],
    ...(user === "root" ? [] : ["--user", "--map-current-user"]),
    ...["--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "slave", "--"],
  ];
}
