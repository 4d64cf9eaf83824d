import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { type Command, CommandInput, findPty, namespaceProgram, ptyProgram } from "../../src/process/index.js";
import { sh as shell, start, text, until } from "./commands.js";

const MAKER = ["bwrap", "--die-with-parent", "--unshare-pid", "--dev-bind", "/", "/", "--proc", "/proc", "--"];
const SIZE = { rows: 24, cols: 80 };
const never = new AbortController().signal;
const script = await findPty(never);
const bubblewrap = spawnSync(MAKER[0]!, [...MAKER.slice(1), "true"]).status === 0;
const skip =
  script === undefined ? "needs util-linux's script" : bubblewrap ? false : "needs bubblewrap (bwrap), for a namespace";
const LIMIT = { timeout: 40_000, skip };

interface InPty {
  readonly command: Command;
  readonly alive: () => number[];
}

function inPty(text: string, env: Record<string, string> = {}): InPty {
  const { command, alive } = shell(text);
  const argv = [...MAKER, ...namespaceProgram(ptyProgram(script!, command.argv, SIZE))];
  return { command: { ...command, argv, env: { ...command.env, ...env }, namespace: true }, alive };
}

/** Runs it, types what is given as soon as its output holds a text, and tells how it ended. */
async function typing(pty: InPty, keys: readonly (readonly [string, string])[]) {
  const input = new CommandInput();
  let seen = "";
  const onOutput = (_: string, chunk: Uint8Array) => {
    seen += Buffer.from(chunk).toString();
  };
  const running = start(pty.command, { input, onOutput });
  for (const [cue, chars] of keys) {
    await until(() => seen.includes(cue));
    await input.write(Buffer.from(chars), never);
  }
  const exit = await running;
  return { exit, seen };
}

test(
  "all three are a terminal of the wanted size, and arguments come as they are (needs bubblewrap)",
  LIMIT,
  async () => {
    const { command } = inPty("");
    const list =
      'test -t 0 && test -t 1 && test -t 2 && tty && stty size && printf "<%s>" "$@"; ls /proc/self/fd | tr "\\n" " "';
    const words = ["a b", "", "*", "it's", "$HOME", "-n", "a\nb"];
    const argv = [...MAKER, ...namespaceProgram(ptyProgram(script!, ["bash", "-c", list, "bash", ...words], SIZE))];
    const exit = await start({ ...command, argv });
    const fds = text(await start(shell("ls /proc/self/fd | tr '\\n' ' '").command));
    const [tty, size, rest] = text(exit).split("\r\n").slice(0, 3);
    assert.match(tty!, /^\/dev\/pts\/\d+$/);
    assert.deepEqual([size, exit.code], ["24 80", 0]);
    assert.equal(
      text(exit).slice(text(exit).indexOf(rest!)).replaceAll("\r", ""),
      `${words.map((word) => `<${word}>`).join("")}${fds}`,
    );
  },
);

test(
  "codes pass, also of a death by a signal; standard error is the terminal too (needs bubblewrap)",
  LIMIT,
  async () => {
    const coded = await start(inPty("echo err >&2; exit 42").command);
    assert.deepEqual([coded.code, coded.stdout.parts().head, coded.stderr.total], [42, "err\r\n", 0]);
    assert.equal((await start(inPty("kill -9 $$").command)).code, 137);
  },
);

test("the program's own SHELL stays, and so does that it has none (needs bubblewrap)", LIMIT, async () => {
  const kept = await start(inPty("env | grep -e SHELL= ; :", { SHELL: "/bin/zsh" }).command);
  assert.equal(text(kept), "SHELL=/bin/zsh\r\n");
  const none = await start(inPty('env | grep -c -e "^SHELL=" -e BELAY_PTY').command);
  assert.equal(text(none).trim(), "0");
});

test(
  "typed text is echoed and read; Ctrl-C stops what is in the foreground; Ctrl-D ends (needs bubblewrap)",
  LIMIT,
  async () => {
    const { exit, seen } = await typing(
      // Dies of it from its first word on, as the shell itself would not.
      inPty("trap 'echo caught' INT; (echo ready; exec sleep 60); echo next; cat; echo over"),
      [
        ["ready", "\u0003"],
        ["next", "hello\n"],
        ["hello\r\nhello", "\u0004"],
      ],
    );
    assert.match(seen, /ready\r\n\^Ccaught\r\nnext\r\nhello\r\nhello\r\nover\r\n$/);
    assert.equal(exit.code, 0);
  },
);

test("an interactive shell has job control (needs bubblewrap)", LIMIT, async () => {
  const { exit, seen } = await typing(inPty("PS1='$ ' exec bash --norc --noprofile -i"), [
    ["$ ", "sleep 60 & echo job $((1+1))\n"],
    ["job 2", "kill %1; wait; (echo in $((1+2)); exec sleep 60)\n"],
    ["in 3", "\u0003"],
    ["^C", "exit 9\n"],
  ]);
  assert.doesNotMatch(seen, /no job control/);
  assert.equal(exit.code, 9);
});

test("what hides in a terminal's sessions dies with it (needs bubblewrap)", LIMIT, async () => {
  const pty = inPty("(trap '' HUP TERM INT; setsid sleep 60) & nohup sleep 60 & echo ready; sleep 60");
  const controller = new AbortController();
  let alive = 0;
  const exit = await start(pty.command, {
    input: new CommandInput(),
    signal: controller.signal,
    graceMs: 30,
    onOutput: () => {
      alive = pty.alive().length;
      controller.abort();
    },
  });
  assert.ok(alive > 0);
  assert.deepEqual([exit.end, exit.contained, pty.alive()], ["cancelled", true, []]);
  assert.doesNotMatch(text(exit), /Session terminated/);
});

test("a pseudo-terminal that can't be made says why (needs bubblewrap)", LIMIT, async () => {
  const { command } = shell("");
  const hidden = ["--tmpfs", "/dev", "--dev-bind", "/dev/null", "/dev/null", "--proc", "/proc", "--"];
  const maker = ["bwrap", "--die-with-parent", "--unshare-pid", "--dev-bind", "/", "/", ...hidden];
  const argv = [...maker, ...namespaceProgram(ptyProgram(script!, ["true"], SIZE))];
  const exit = await start({ ...command, argv, namespace: true });
  assert.notEqual(exit.code, 0);
  assert.match(exit.stderr.parts().head, /pseudo-terminal|pty/i);
});
