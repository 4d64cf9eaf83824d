import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { shellPatch } from "../../src/engine/tools/shell-patch.js";
import { call, customCall, startModelServer, text } from "../support/model-server.js";
import { checkStopContract } from "../support/stop-contract.js";
import { openTalk, scratch, startTalk } from "../support/talk.js";

const patch = (...lines: string[]) => ["*** Begin Patch", ...lines, "*** End Patch"].join("\n");
const ONE_TO_UNO = patch("*** Update File: a.txt", "@@", "-one", "+uno");
const CWD = "/somewhere";

test("a command that only applies a patch is recognised, in every spelling models use", () => {
  const heredoc = (head: string, delimiter: string) => `${head}\n${ONE_TO_UNO}\n${delimiter}\n`;
  const table: [string[], string][] = [
    [["apply_patch", ONE_TO_UNO], CWD],
    [["applypatch", ONE_TO_UNO], CWD],
    [["bash", "-lc", heredoc("apply_patch <<'EOF'", "EOF")], CWD],
    [["/bin/sh", "-c", heredoc('applypatch << "PATCH"', "PATCH")], CWD],
    [["bash", "-c", heredoc("apply_patch <<EOF", "EOF")], CWD],
    [["bash", "-lc", heredoc("cd sub && apply_patch <<'EOF'", "EOF")], "/somewhere/sub"],
    [["bash", "-lc", heredoc("cd '/a b' && apply_patch <<'EOF'", "EOF")], "/a b"],
    [["bash", "-lc", `apply_patch '${ONE_TO_UNO}'`], CWD],
  ];
  for (const [argv, cwd] of table)
    assert.deepEqual(shellPatch({ argv, cwd: CWD }, "/bin/sh"), { text: ONE_TO_UNO, cwd }, argv.join(" "));
});

test("a script that does anything else stays a command", () => {
  const body = `apply_patch <<'EOF'\n${ONE_TO_UNO}\nEOF`;
  for (const argv of [
    ["bash", "-lc", `${body}\nrm -rf x`],
    ["bash", "-lc", `rm x; ${body}`],
    ["bash", "-lc", `cd $(evil) && ${body}`],
    ["bash", "-lc", `cd "$HOME" && ${body}`],
    ["bash", "-lc", "apply_patch < file"],
    ["bash", "-lc", "echo apply_patch"],
    ["bash", "-lc", body, "more"],
    ["apply_patch"],
    ["apply_patch", "--check", ONE_TO_UNO],
    ["env", "apply_patch", ONE_TO_UNO],
  ]) {
    assert.equal(shellPatch({ argv, cwd: CWD }, "/bin/sh"), undefined, argv.join(" "));
  }
});

test("a patch in a shell command runs inside, and its events are a patch's", async () => {
  const { server, talk } = await openTalk();
  mkdirSync(join(talk.cwd, "sub"));
  writeFileSync(join(talk.cwd, "sub/a.txt"), "one\n");
  server.enqueue(call("exec_command", { cmd: `cd sub && apply_patch <<'EOF'\n${ONE_TO_UNO}\nEOF` }), text("ok"));
  const turn = talk.say("go");
  await talk.end(turn);
  assert.equal(readFileSync(join(talk.cwd, "sub/a.txt"), "utf8"), "uno\n");
  assert.deepEqual(talk.types(turn).slice(0, 4), ["task_started", "patch_apply_begin", "patch_apply_end", "turn_diff"]);
  await talk.close();
  await server.close();
});

test("models of OpenAI that take custom tools get the grammar, and their free text is the patch", async () => {
  const server = await startModelServer();
  const talk = startTalk(server.provider({ id: "openai" }), { model: "gpt-5" });
  server.enqueue(customCall("apply_patch", patch("*** Add File: b.txt", "+new"), "p"), text("ok"));
  await talk.end(talk.say("go"));
  const tools = server.requests[0]!.body.tools as { name: string; type: string; format?: { syntax: string } }[];
  const offered = tools.find((tool) => tool.name === "apply_patch");
  assert.equal(offered?.type, "custom");
  assert.equal(offered?.format?.syntax, "lark");
  assert.equal(readFileSync(join(talk.cwd, "b.txt"), "utf8"), "new\n");
  assert.match(server.requests[1]!.outputOf("p") ?? "", /^Success/);
  await talk.close();
  await server.close();
});

test("the turn's diff is against the turn's start, whatever the patches in between, with and without git", async () => {
  for (const git of [true, false]) {
    const { server, talk } = await openTalk();
    if (git) execFileSync("git", ["init", "-q", talk.cwd]);
    writeFileSync(join(talk.cwd, "a.txt"), "one\ntwo\n");
    writeFileSync(join(talk.cwd, "gone.txt"), "bye\n");
    server.enqueue(
      call("apply_patch", {
        input: patch("*** Update File: a.txt", "@@", "-one", "+uno", "*** Add File: b.txt", "+new"),
      }),
      call("apply_patch", {
        input: patch("*** Update File: a.txt", "@@", "-uno", "+eins", "*** Delete File: gone.txt"),
      }),
      call("apply_patch", { input: patch("*** Update File: a.txt", "@@", "-eins", "+one", "*** Delete File: b.txt") }),
      text("ok"),
    );
    await talk.end(talk.say("go"));
    const diffs = talk.events.flatMap(({ msg }) => (msg.type === "turn_diff" ? [msg.unified_diff] : []));
    assert.equal(diffs.length, 3);
    const path = git ? "a.txt" : join(talk.cwd, "a.txt");
    assert.ok(diffs[0]!.includes(`diff --git a/${path} b/${path}\nindex 814f4a422927b82f5f8a43f8fab6d3839e3983f2..`));
    assert.match(diffs[0]!, /\n-one\n\+uno\n/);
    assert.match(
      diffs[0]!,
      /b\.txt\nnew file mode 100644\nindex 0{40}\.\.3e757656cf36eca53338e520d134963a44f793f8\n--- \/dev\/null\n/,
    );
    assert.match(diffs[1]!, /\n-one\n\+eins\n/);
    assert.match(diffs[1]!, /gone\.txt\ndeleted file mode 100644\n/);
    assert.doesNotMatch(diffs[2]!, /a\.txt|b\.txt/);
    if (git) execFileSync("git", ["apply", "--check", "-R", "-"], { cwd: talk.cwd, input: diffs[2]! });
    await talk.close();
    await server.close();
  }
});

test("a patch that waits for approval shows its diff; denied it changes nothing, approved it is applied", async () => {
  const { server, talk } = await openTalk({ approvalPolicy: "untrusted" });
  writeFileSync(join(talk.cwd, "a.txt"), "one\ntwo\n");
  server.enqueue(
    call("apply_patch", { input: ONE_TO_UNO }, "no"),
    call("apply_patch", { input: ONE_TO_UNO }, "yes"),
    text("ok"),
  );
  const turn = talk.say("go");
  const asked = await talk.until("apply_patch_approval_request", (msg) => msg.call_id === "no");
  const unified_diff = "@@ -1,2 +1,2 @@\n-one\n+uno\n two\n";
  assert.deepEqual(asked.changes, { [join(talk.cwd, "a.txt")]: { update: { unified_diff, move_path: null } } });
  talk.conversation.submit({ type: "patch_approval", id: "no", decision: "denied" });
  await talk.until("apply_patch_approval_request", (msg) => msg.call_id === "yes");
  assert.equal(readFileSync(join(talk.cwd, "a.txt"), "utf8"), "one\ntwo\n");
  talk.conversation.submit({ type: "patch_approval", id: "yes", decision: "approved" });
  await talk.end(turn);
  assert.equal(readFileSync(join(talk.cwd, "a.txt"), "utf8"), "uno\ntwo\n");
  assert.equal(server.requests[1]?.outputOf("no"), "patch rejected by user");
  const begun = await talk.until("patch_apply_begin");
  assert.equal(begun.auto_approved, false);
  checkStopContract(talk.events);
  await talk.close();
  await server.close();
});

test("a file changed while the patch waited for approval is not overwritten", async () => {
  const { server, talk } = await openTalk({ approvalPolicy: "untrusted" });
  writeFileSync(join(talk.cwd, "a.txt"), "one\n");
  server.enqueue(call("apply_patch", { input: ONE_TO_UNO }, "p"), text("ok"));
  const turn = talk.say("go");
  await talk.until("apply_patch_approval_request");
  writeFileSync(join(talk.cwd, "a.txt"), "one, by the user\n");
  talk.conversation.submit({ type: "patch_approval", id: "p", decision: "approved" });
  await talk.end(turn);
  assert.equal(readFileSync(join(talk.cwd, "a.txt"), "utf8"), "one, by the user\n");
  assert.equal((await talk.until("patch_apply_end")).success, false);
  await talk.close();
  await server.close();
});

test("the receipt of a stopped turn names the files its patches changed", async () => {
  const { server, talk } = await openTalk();
  writeFileSync(join(talk.cwd, "a.txt"), "one\n");
  server.enqueue([call("apply_patch", { input: ONE_TO_UNO }), call("exec_command", { cmd: "echo on; sleep 30" })]);
  const turn = talk.say("go");
  await talk.until("exec_command_output_delta");
  await talk.conversation.interrupt();
  const end = await talk.end(turn);
  assert.deepEqual(end.type === "turn_aborted" && end.changed_files, [join(talk.cwd, "a.txt")]);
  await talk.close();
  await server.close();
});

test("a journal folder that can't be read is told, and stops nothing", async () => {
  const server = await startModelServer();
  const home = scratch();
  writeFileSync(join(home.path, "patches"), "in the way");
  const talk = startTalk(server.provider(), { home: home.path });
  server.enqueue(call("apply_patch", { input: ONE_TO_UNO }), text("ok"));
  writeFileSync(join(talk.cwd, "a.txt"), "one\n");
  const told = await talk.until("background_event");
  assert.match(told.message, /could not be looked after \(.*patches\): a part of its path is a file/);
  const end = await talk.end(talk.say("go"));
  assert.equal(end.type === "task_complete" && end.last_agent_message, "ok");
  assert.equal(readFileSync(join(talk.cwd, "a.txt"), "utf8"), "one\n");
  await talk.close();
  home.dispose();
  await server.close();
});
