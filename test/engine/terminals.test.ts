import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { findPty } from "../../src/process/index.js";
import { call, text } from "../support/model-server.js";
import { REAPED, survivors, untilThere } from "../support/runaways.js";
import { WALLED } from "../support/walls.js";
import { type Desk, deskTest, printed, sessionOf } from "./desk.js";

const script = await findPty(new AbortController().signal);
const IN_PTY = { ...WALLED, ...(script === undefined ? { skip: "needs util-linux's script" } : {}) };

const WORKSPACE = {
  mode: "workspace-write",
  writable_roots: [],
  network_access: false,
  exclude_slash_tmp: false,
  exclude_tmpdir_env_var: false,
} as const;

/** Lets go what waits for the file `go`. */
function go(desk: Desk): void {
  writeFileSync(join(desk.talk.cwd, "go"), "");
}

const UNTIL_GO = "until [ -e go ]; do sleep 0.01; done";

describe("terminals", { concurrency: 6 }, () => {
  deskTest("a command that ends in time is told with its code, and is no terminal", async (desk) => {
    const output = await desk.use("exec_command", { cmd: "echo out; exit 3", login: false, yield_time_ms: 30_000 });
    const markers = /^Wall time: \d+\.\d seconds\nProcess exited with code 3\nOriginal token count: 1\nOutput:\nout\n$/;
    assert.match(output, markers);
    assert.equal(await desk.use("write_stdin", {}), "No terminal is open.");
    const [end] = desk.ends();
    assert.ok(end?.msg.type === "exec_command_end" && end.msg.source === "unified_exec_startup");
    assert.deepEqual([end.id, end.msg.exit_code, end.msg.aggregated_output], ["0", 3, "out\n"]);
  });

  deskTest("one that runs on is a terminal: typed into, read on, ended by the end of its input", async (desk) => {
    const id = await desk.open("while read -r line; do echo got $line; done; echo over");
    const begin = await desk.talk.until("exec_command_begin");
    assert.deepEqual([begin.process_id, begin.source, begin.tty], [String(id), "unified_exec_startup", false]);
    const typed = await desk.use("write_stdin", { session_id: id, chars: "a\nb\n" });
    assert.equal(sessionOf(typed), id);
    await desk.shown("got b");
    assert.match(await desk.use("write_stdin", {}), new RegExp(`^Terminals:\n- session ID ${id}: running: while read`));
    const ended = await desk.use("write_stdin", { session_id: String(id), chars: "c", eof: true, yield_time_ms: 9000 });
    assert.match(ended, /^Process exited with code 0$/m);
    assert.equal(desk.told(), "got a\ngot b\nover\n");
    assert.match(await desk.use("write_stdin", { session_id: id }), /there is no terminal \d+: it ended/);
    const typedEvents = desk.talk.events.flatMap(({ msg }) => (msg.type === "terminal_interaction" ? [msg.stdin] : []));
    assert.deepEqual(typedEvents, ["a\nb\n", "c"]);
    // Its end came in another turn than its start, and so belongs to none.
    assert.deepEqual(
      desk.ends().map((event) => event.id),
      [""],
    );
  });

  deskTest("a poll waits for the end and tells it, with what was printed since", async (desk) => {
    const id = await desk.open(`echo one; ${UNTIL_GO}; echo two; exit 4`);
    const turn = desk.begin(call("write_stdin", { session_id: id, yield_time_ms: 60_000 }, "poll"));
    desk.server.enqueue(text("done"));
    await desk.talk.until("terminal_interaction", ({ stdin }) => stdin === "");
    go(desk);
    await desk.talk.end(turn);
    const output = desk.server.requests.at(-1)!.outputOf("poll")!;
    assert.match(output, /^Process exited with code 4$/m);
    assert.equal(desk.told() + printed(output), "one\ntwo\n");
  });

  deskTest("what ended unread is told at the next look, with its code", async (desk) => {
    const id = await desk.open(`${UNTIL_GO}; echo last; kill -9 $$`);
    go(desk);
    await desk.talk.until("exec_command_end");
    assert.match(await desk.use("write_stdin", {}), /ended, and its last output was not read/);
    const output = await desk.use("write_stdin", { session_id: id, chars: "late" });
    assert.match(output, /^Process (exited with code 137|was killed by SIGKILL)$/m);
    assert.match(output, /^Nothing was typed: it had ended\.$/m);
    assert.equal(printed(output), "last\n");
  });

  deskTest("what ends within the turn that started it has its end there", async (desk) => {
    const args = { cmd: `${UNTIL_GO}; echo over`, login: false, yield_time_ms: 250 };
    const turn = desk.begin(call("exec_command", args, "start"), call("exec_command", { cmd: "echo > go" }, "free"));
    desk.server.enqueue(text("done"));
    const end = await desk.talk.end(turn);
    // It may also just outlive the turn: then the turn says so.
    const kept = (end.processes ?? []).length === 1;
    await desk.talk.until("exec_command_end", ({ call_id }) => call_id === "start");
    const own = desk.ends().find(({ msg }) => msg.type === "exec_command_end" && msg.call_id === "start");
    assert.equal(own?.id, kept ? "" : turn);
  });

  deskTest("closing stops the whole tree and tells how it ended", async (desk) => {
    const id = await desk.open(
      "(trap '' TERM INT HUP; setsid sleep 60) & trap '' TERM; echo up; while :; do sleep 1; done",
    );
    await desk.shown("up");
    const output = await desk.use("write_stdin", { session_id: id, close: true });
    assert.match(output, /^Process was stopped, with its children$/m);
    assert.equal((await desk.ask("list")).terminals.length, 0);
    const [end] = desk.ends();
    assert.ok(end?.msg.type === "exec_command_end" && end.msg.end === "cancelled");
  });

  deskTest("Ctrl-C without a pseudo-terminal is SIGINT to the tree, and is told so", async (desk) => {
    const id = await desk.open("trap 'echo INT; exit 5' INT; echo up; while :; do sleep 0.01; done");
    await desk.shown("up");
    const output = await desk.use("write_stdin", { session_id: id, chars: "\u0003", yield_time_ms: 20_000 });
    assert.match(output, /^Process exited with code 5$/m);
    assert.equal(desk.told(), "up\nINT\n");
  });

  deskTest("a program that does not read: what was typed is told, the rest is never sent", async (desk) => {
    const id = await desk.open("sleep 60");
    const output = await desk.use("write_stdin", { session_id: id, chars: "x".repeat(300_000) });
    assert.match(output, /^Only \d+ of 300000 bytes were typed: the program does not read its input\./m);
  });

  deskTest("timeout_ms bounds a terminal's whole life, and without it there is no limit", async (desk) => {
    await desk.open("sleep 60", { timeout_ms: 600 });
    const end = await desk.talk.until("exec_command_end");
    assert.equal(end.end, "timed_out");
  });

  deskTest(
    "a call without yield_time_ms runs to its end, and its children end with it, which is told",
    async (desk) => {
      const output = await desk.use("exec_command", { cmd: "sleep 60 & echo hi", login: false });
      assert.match(output, /^Exit code: 0\n/);
      assert.match(output, /left running in the background were stopped.*exec_command and yield_time_ms/);
      const terminal = await desk.use("exec_command", {
        cmd: "sleep 60 & echo hi",
        login: false,
        yield_time_ms: 20_000,
      });
      assert.match(terminal, /^Process exited with code 0$/m);
      assert.match(terminal, /left running in the background were stopped.*exec_command and yield_time_ms/);
    },
  );

  deskTest("wrong use is told in a sentence", async (desk) => {
    assert.match(
      await desk.use("write_stdin", { session_id: 77 }),
      /^there is no terminal 77: .*No terminal is open\.$/,
    );
    assert.match(await desk.use("write_stdin", { session_id: "x" }), /^wrong arguments: session_id/);
    // A project may bring along what is called as a shell is.
    const own = join(desk.talk.cwd, "bash");
    writeFileSync(own, "#!/bin/sh\necho own\n", { mode: 0o755 });
    assert.match(await desk.use("exec_command", { cmd: "ls", shell: own, yield_time_ms: 250 }), /there is no shell/);
    assert.match(await desk.use("exec_command", { cmd: "ls", shell: "fish" }), /there is no shell fish/);
    assert.match(
      await desk.use("exec_command", { cmd: "echo $0", shell: "sh", login: false }),
      /^Output:\n\/(usr\/)?bin\/sh$/m,
    );
    const missing = await desk.use("exec_command", { cmd: "ls", workdir: "gone", yield_time_ms: 250 });
    assert.match(missing, /^Not started: the folder .*gone does not exist$/m);
  });

  deskTest("a patch in a shell command is applied, also with a yield time", async (desk) => {
    const patch = "*** Begin Patch\n*** Add File: new.txt\n+hi\n*** End Patch";
    const output = await desk.use("exec_command", { cmd: `apply_patch <<'EOF'\n${patch}\nEOF`, yield_time_ms: 250 });
    assert.match(output, /A new\.txt/);
  });
});

describe("output of terminals", { concurrency: 4 }, () => {
  deskTest("nothing is lost between reads, not even half a character", async (desk) => {
    const id = await desk.open("printf 'a\\342\\202'; until [ -e go ]; do sleep 0.01; done; printf '\\254b'; cat");
    await desk.shown("a");
    await desk.use("write_stdin", { session_id: id, chars: "c" });
    assert.equal(desk.told(), "a");
    go(desk);
    await desk.use("write_stdin", { session_id: id, eof: true, yield_time_ms: 20_000 });
    assert.equal(desk.told(), "a€bc");
  });

  deskTest("of 100 MB beginning and end are kept, what was dropped is counted, and memory is bounded", async (desk) => {
    const before = process.memoryUsage().rss;
    const flood = `echo first; ${UNTIL_GO}; head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last; sleep 60`;
    const id = await desk.open(flood);
    let most = 0;
    let bytes = 0;
    const flooded = new Promise<void>((resolve) => {
      desk.talk.conversation.subscribe(({ msg }) => {
        if (msg.type !== "exec_command_output_delta") return;
        bytes += msg.chunk.length;
        most = Math.max(most, process.memoryUsage.rss());
        if (bytes >= 100_000_006) resolve();
      });
    });
    go(desk);
    await flooded;
    const output = await desk.use("write_stdin", { session_id: id, chars: "\u0003", max_output_tokens: 100 });
    assert.match(output, /tokens \(\d+ bytes of 100000006\) cut…\nx+\nlast\n$/);
    assert.ok(printed(output).length < 600);
    assert.ok(most - before < 400_000_000, `${most - before} bytes more`);
  });
});

describe("how many", { concurrency: 2 }, () => {
  deskTest("more than 16 are refused while all run; the oldest that has ended makes room", async (desk) => {
    const start = (n: number) =>
      call("exec_command", { cmd: `sleep 6${n}`, login: false, yield_time_ms: 250 }, `n${n}`);
    // Those that only read run beside each other.
    const turn = desk.begin(...Array.from({ length: 16 }, (_, n) => start(n)));
    desk.server.enqueue(text("done"));
    await desk.talk.end(turn);
    const outputs = Array.from({ length: 16 }, (_, n) => desk.server.requests.at(-1)!.outputOf(`n${n}`)!);
    const ids = outputs.map(sessionOf);
    assert.equal(new Set(ids).size, 16);
    const refused = await desk.use("exec_command", { cmd: "sleep 60", login: false, yield_time_ms: 250 });
    assert.match(refused, /^16 terminals are running, and there can be no more: close one first$/);
    const id = desk.talk.conversation.submit({ type: "terminate_background_terminal", process_id: String(ids[3]) });
    const answer = await desk.talk.answer(id);
    assert.ok(answer.msg.type === "background_terminals_response" && answer.msg.terminals.length === 15);
    assert.deepEqual(
      answer.msg.stopped.map(({ call_id, outcome }) => [call_id, outcome]),
      [["n3", "killed"]],
    );
    await desk.open("sleep 60");
    assert.match(await desk.use("write_stdin", { session_id: ids[3] }), /there is no terminal/);
    const none = await desk.talk.answer(
      desk.talk.conversation.submit({ type: "terminate_background_terminal", process_id: "1" }),
    );
    assert.deepEqual(none.msg, { type: "error", message: "no terminal 1 is running" });
    const cleaned = await desk.ask("clean");
    assert.deepEqual([cleaned.terminals.length, cleaned.stopped.length], [0, 16]);
  });
});

describe("pseudo-terminals", { concurrency: 4 }, () => {
  deskTest(
    "a terminal with a size and job control, in which Ctrl-C is typed (needs bubblewrap)",
    async (desk) => {
      const id = await desk.open("test -t 0 && test -t 1 && test -t 2 && stty size && echo $TERM; sleep 60; cat", {
        tty: true,
      });
      await desk.shown("dumb");
      const [listed] = (await desk.ask("list")).terminals;
      assert.deepEqual([listed?.tty, listed?.process_id], [true, String(id)]);
      await desk.use("write_stdin", { session_id: id, chars: "\u0003" });
      await desk.shown("^C");
      await desk.use("write_stdin", { session_id: id, close: true });
      assert.match(desk.told(), /^24 80\r\ndumb\r\n\^C/);
    },
    IN_PTY,
  );

  deskTest(
    "in the walls of workspace-write as well (needs bubblewrap)",
    async (desk) => {
      const id = await desk.open("exec cat", { tty: true });
      await desk.use("write_stdin", { session_id: id, chars: "hello\n" });
      await desk.shown("hello\r\nhello\r\n");
      const ended = await desk.use("write_stdin", { session_id: id, eof: true, yield_time_ms: 20_000 });
      assert.match(ended, /^Process exited with code 0$/m);
    },
    { ...IN_PTY, overrides: { sandboxPolicy: { ...WORKSPACE, writable_roots: [] } } },
  );

  deskTest(
    "under a reaper, where there is no namespace, and closed with all that came from it",
    async (desk) => {
      const mark = `86409.${process.pid}`;
      const daemon = `(cd /; env -i /usr/bin/setsid sleep ${mark} >/dev/null 2>&1 &)`;
      const id = await desk.open(`${daemon}; test -t 0 && stty size; cat`, { tty: true });
      await desk.shown("24 80");
      await untilThere([mark], "all");
      await desk.use("write_stdin", { session_id: id, close: true });
      assert.deepEqual(survivors(mark), []);
    },
    {
      ...REAPED,
      ...(script === undefined ? { skip: "needs util-linux's script" } : {}),
      overrides: { containFullAccess: false },
    },
  );

  deskTest(
    "without namespace and reaper there is none: pipes, and the model is told",
    async (desk) => {
      const output = await desk.use("exec_command", {
        cmd: "test -t 0 || echo pipes; cat",
        tty: true,
        yield_time_ms: 250,
      });
      assert.match(output, /^No pseudo-terminal: there is neither a PID namespace.*\\u0003 is sent as SIGINT/m);
      await desk.use("write_stdin", { session_id: sessionOf(output), eof: true, yield_time_ms: 20_000 });
      assert.equal(desk.told(), "pipes\n");
    },
    { overrides: { keepBackgroundProcesses: true } },
  );
});
