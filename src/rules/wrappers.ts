import { basename } from "node:path";
import { isShell } from "./shell.js";

/** Programs and builtins that run what their arguments say. */
const WRAPPERS = new Set(
  [
    "sudo doas su runuser env nice nohup timeout time command exec builtin eval xargs parallel stdbuf setsid ionice chrt",
    "taskset unshare nsenter chroot watch strace ltrace script expect flock busybox toybox find fd fdfind ssh entr npx bunx",
    "fish csh tcsh pwsh bwrap systemd-run caffeinate noglob nocorrect setpriv pkexec prlimit numactl fakeroot firejail",
    "unbuffer rlwrap start-stop-daemon tmux screen hyperfine valgrind",
    // In zsh a hyphen before a command makes it a login one.
    "-",
  ]
    .join(" ")
    .split(" "),
);

/** Whether a program may run another one that stands among its arguments. */
export function isWrapper(program: string): boolean {
  return WRAPPERS.has(basename(program)) || isShell(program);
}
