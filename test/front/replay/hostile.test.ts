import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { scratch } from "../../support/talk.js";
import { WALLED } from "../../support/walls.js";
import { linesOf, madeUp, replay, summaryOf, textOfLines } from "./stage.js";

/** A folder with a victim in it, and the path of a record to come. */
function openPlace(t: { after(run: () => void): void }) {
  const folder = scratch();
  t.after(() => folder.dispose());
  const [victim, work, file] = [
    join(folder.path, "victim"),
    join(folder.path, "work"),
    join(folder.path, "record.jsonl"),
  ];
  for (const path of [victim, work]) mkdirSync(path);
  writeFileSync(join(victim, "keep.txt"), "keep\n");
  return { victim, work, file };
}

describe("a record that somebody else wrote", () => {
  test("can't write outside of the copy, nor reach the network, whatever rights it claims", WALLED, async (t) => {
    const { victim, work, file } = openPlace(t);
    let reached = 0;
    const server = createServer((socket) => {
      reached += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    symlinkSync(victim, join(work, "way-out"));
    symlinkSync("inside.txt", join(work, "way-in"));
    writeFileSync(join(work, "inside.txt"), "inside\n");
    const patch = (path: string) => ({ input: `*** Begin Patch\n*** Add File: ${path}\n+bad\n*** End Patch` });
    const attacks: { name: string; args: object }[] = [
      {
        name: "exec_command",
        args: { cmd: `echo bad > ${victim}/a; rm -f ${victim}/keep.txt; echo bad > /tmp/${port}-bad` },
      },
      { name: "exec_command", args: { cmd: "echo bad > b", workdir: victim } },
      {
        name: "exec_command",
        args: { cmd: `echo bad > ${victim}/c`, sandbox_permissions: "require_escalated", justification: "please" },
      },
      { name: "shell", args: { command: ["sh", "-c", `echo bad > ${victim}/d`], with_escalated_permissions: true } },
      { name: "exec_command", args: { cmd: "echo bad > way-out/e; cat way-in" } },
      { name: "exec_command", args: { cmd: `bash -c 'echo bad > /dev/tcp/127.0.0.1/${port}'` } },
      { name: "apply_patch", args: patch(`${victim}/f`) },
      { name: "apply_patch", args: patch(`../../../../../../../../tmp/${port}-patch`) },
      { name: "exec_command", args: { cmd: "env", login: false } },
      { name: "exec_command", args: { cmd: "echo good > here.txt; cat here.txt" } },
    ];
    for (const mode of ["danger-full-access", "workspace-write"]) {
      const context = {
        approval_policy: "on-request",
        sandbox_policy: { type: mode, writable_roots: [victim, "/tmp"], network_access: true },
      };
      const lines = madeUp({
        cwd: work,
        context,
        calls: attacks.map((attack) => ({ ...attack, output: "Exit code: 0" })),
      });
      writeFileSync(file, textOfLines(lines));
      const played = await replay(file, { tools: "run", json: true });
      const { events } = summaryOf(played);
      assert.deepEqual([played.code, played.left, readdirSync(victim), reached], [1, [], ["keep.txt"], 0]);
      assert.deepEqual(readdirSync(work).sort(), ["inside.txt", "way-in", "way-out"]);
      assert.equal(events.filter(({ msg }) => msg.type.endsWith("approval_request")).length, 0);
      // It is not that nothing ran at all.
      const ends = events.filter(({ msg }) => msg.type === "exec_command_end") as unknown as {
        msg: { stdout: string };
      }[];
      assert.equal(ends.at(-1)?.msg.stdout, "good\n");
      assert.ok(ends.some(({ msg }) => msg.stdout === "inside\n"));
      const env = ends.find(({ msg }) => msg.stdout.includes("PATH="))?.msg.stdout ?? "";
      assert.match(env, /^HOME=\S+belay-replay-\w+\/user$/m);
      assert.doesNotMatch(env, /private/);
      assert.match(played.stderr, /not copied: way-out \(a link that leads out of the folder\)/);
    }
    for (const name of ["bad", "patch"]) assert.equal(existsSync(`/tmp/${port}-${name}`), false);
  });

  test("stays within the walls that it was recorded with, where they are narrower", WALLED, async (t) => {
    const { work, file } = openPlace(t);
    const calls = [{ name: "exec_command", args: { cmd: "echo no > no.txt; ls" }, output: "" }];
    writeFileSync(file, textOfLines(madeUp({ cwd: work, context: { sandbox_policy: { type: "read-only" } }, calls })));
    const { summary } = summaryOf(await replay(file, { tools: "run", json: true }));
    assert.match(summary.turns[0]?.parting?.came ?? "", /Read-only file system|Permission denied/);
  });

  test("is not asked again what was refused at the time", WALLED, async (t) => {
    const { work, file } = openPlace(t);
    const calls = [{ name: "exec_command", args: { cmd: "touch refused" }, output: "exec command rejected by user" }];
    writeFileSync(file, textOfLines(madeUp({ cwd: work, calls })));
    const played = await replay(file, { tools: "run", json: true });
    const { events, summary } = summaryOf(played);
    assert.deepEqual([summary.same, events.filter(({ msg }) => msg.type === "exec_command_begin")], [true, []]);
  });

  test("runs nothing where there are no walls, and nothing at all with outputs from the record", async (t) => {
    const { victim, work, file } = openPlace(t);
    const calls = [{ name: "exec_command", args: { cmd: `touch ${victim}/ran` }, output: "Exit code: 0" }];
    writeFileSync(file, textOfLines(madeUp({ cwd: work, calls })));
    const bare = await replay(file, { tools: "run", path: victim });
    assert.deepEqual([bare.code, bare.stdout, bare.left], [2, "", []]);
    assert.match(bare.stderr, /^belay: --tools run needs walls around the commands of a record/);
    const mocked = await replay(file);
    assert.deepEqual([mocked.code, mocked.stderr, readdirSync(victim)], [0, "", ["keep.txt"]]);
  });

  test("can't move the cursor, hide text or flood the terminal", async (t) => {
    const { work, file } = openPlace(t);
    const evil = `\u001b[2J\u009b31m\u202e${"x".repeat(100_000)}`;
    const lines = madeUp({ cwd: evil, calls: [{ name: `tool${evil}`, args: {}, output: evil }] });
    for (const { payload } of lines)
      if (payload.type === "message" && payload.role === "user") payload.content = [{ type: "input_text", text: evil }];
    lines[0]!.payload.cli_version = evil;
    lines.at(-1)!.payload.last_agent_message = `${evil}\nother`;
    writeFileSync(file, textOfLines(lines));
    for (const options of [{}, { tools: "run", cwd: work }] as const) {
      const { code, stdout, stderr } = await replay(file, options);
      assert.deepEqual(
        [code, /[\u001b\u009b\u202e]/.test(stdout + stderr)],
        [options.tools === undefined ? 1 : code, false],
      );
      for (const line of `${stdout}\n${stderr}`.split("\n")) assert.ok(line.length < 2000, String(line.length));
    }
  });

  test("what can't be replayed is refused with a reason, and leaves nothing", async (t) => {
    const { work, file } = openPlace(t);
    const large = join(work, "large.jsonl");
    writeFileSync(large, "");
    truncateSync(large, 257 * 1024 * 1024);
    const empty = join(work, "empty.jsonl");
    writeFileSync(empty, "no session\n");
    writeFileSync(file, textOfLines(madeUp({ cwd: join(work, "gone"), calls: [] })));
    const cases: [Parameters<typeof replay>, RegExp][] = [
      [[large], /large\.jsonl has more than 268435456 bytes/],
      [[empty], /no turn to replay in .*empty\.jsonl/],
      [[join(work, "none.jsonl")], /none\.jsonl does not exist/],
      [[work], /work is a folder: name the file of a session/],
      [["a\0b"], /there is no session/],
      [["0123abcd"], /there is no session 0123abcd/],
      [[file, { tools: "run" }], /there is no folder .*gone: name one with -C DIR, or replay with --tools mock/],
      [[file, { tools: "run", cwd: "/" }], /\/ can't be copied for the replay: \/ is no project's folder/],
      [[file, { cwd: work }], /-C only says something with --tools run/],
    ];
    for (const [args, reason] of cases) {
      const { code, stdout, stderr, left } = await replay(...args);
      assert.deepEqual([code, stdout, left], [2, "", []]);
      assert.match(stderr, reason);
    }
  });
});

describe("a record of another program", () => {
  const fixtures = join("test", "fixtures", "rollout");

  test("of every schema, comes out the same", async () => {
    const results: Record<string, unknown> = {};
    for (const name of readdirSync(fixtures).filter((one) => one.endsWith(".jsonl"))) {
      const { code, left, ...played } = await replay(join(process.cwd(), fixtures, name), { json: true });
      results[name] = [
        code,
        left.length,
        ...summaryOf({ code, left, ...played }).summary.turns.map(({ result, why }) => why ?? result),
      ];
    }
    const cut = "as far as the record goes: it was cut here";
    assert.deepEqual(results, {
      "belay-0.jsonl": [0, 0, "same"],
      "belay-1.jsonl": [0, 0, "same", "same"],
      "codex-0.169-compacted.jsonl": [0, 0, "same", "same", "same"],
      "codex-0.169-fork.jsonl": [0, 0, "same"],
      "codex-0.169-killed.jsonl": [0, 0, cut],
      "codex-0.23-call.jsonl": [0, 0, "same"],
    });
  });

  test("runs again as far as Belay has its tools, and parts where the output does", WALLED, async (t) => {
    const { work, file } = openPlace(t);
    for (const name of ["codex-0.23-call", "codex-0.169-compacted"]) {
      const path = join(process.cwd(), fixtures, `${name}.jsonl`);
      const same = await replay(path, { tools: "run", cwd: work });
      assert.deepEqual([same.code, same.left], [0, []], same.stdout);
      const text = textOfLines(linesOf(path)).replace(/(Output:\\n|\{\\"output\\":\\")one/, "$1eins");
      writeFileSync(file, text);
      const other = await replay(file, { tools: "run", cwd: work });
      assert.match(other.stdout, /at the output of \w+ \(call_0_2\) .*\n {4}exit code 0\n {2}- eins\n {2}\+ one\n/);
      assert.equal(other.code, 1);
    }
  });
});
