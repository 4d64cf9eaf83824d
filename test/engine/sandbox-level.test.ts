import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Config } from "../../src/config/index.js";
import { call, startModelServer, text } from "../support/model-server.js";
import { scratch, startTalk } from "../support/talk.js";
import { WALLED } from "../support/walls.js";

const READ_ONLY: Config["sandboxPolicy"] = { mode: "read-only" };

/** A home folder, and a PATH on which the programs that make sandboxes fail, and tell that they were asked. */
function machine(t: TestContext) {
  const folder = scratch();
  t.after(() => folder.dispose());
  const [home, shims, log] = ["home", "shims", "log"].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [home, shims]) mkdirSync(path);
  const install = (name: string, complaint: string) =>
    writeFileSync(join(shims, name), `#!/bin/sh\necho ${name} >>'${log}'\necho ${complaint} >&2\nexit 1\n`, {
      mode: 0o755,
    });
  for (const name of ["bwrap", "unshare", "setpriv"]) install(name, "no namespaces here");
  const commandEnv = { PATH: `${shims}:${process.env.PATH}`, HOME: home, SHELL: "/bin/sh" };
  const trials = () => (existsSync(log) ? readFileSync(log, "utf8").split("\n").length - 1 : 0);
  return { home, shims, install, trials, config: { home, commandEnv, sandboxPolicy: READ_ONLY } };
}

async function introduction(t: TestContext, config: Partial<Config>) {
  const server = await startModelServer();
  const talk = startTalk(server.provider(), config);
  t.after(async () => {
    await talk.close();
    await server.close();
  });
  const { sandbox } = await talk.until("session_configured");
  assert.equal(talk.events[0]?.msg.type, "session_configured");
  return { sandbox, server, talk };
}

test("the first event says which level is in force and what is missing, the next time without a trial", async (t) => {
  const { config, trials, install } = machine(t);
  const first = await introduction(t, config);
  assert.deepEqual([first.sandbox?.mode, first.sandbox?.level], ["read-only", "none"]);
  assert.match(first.sandbox!.missing.join(), /no namespaces here.*user namespaces may be forbidden/);
  const before = trials();
  assert.ok(before > 0);
  const second = await introduction(t, config);
  assert.deepEqual([second.sandbox, trials()], [first.sandbox, before]);
  const full = await introduction(t, { ...config, sandboxPolicy: { mode: "danger-full-access" } });
  assert.deepEqual([full.sandbox?.mode, full.sandbox?.level, trials()], ["danger-full-access", "none", before]);
  install("bwrap", "something else is missing now");
  const third = await introduction(t, config);
  assert.match(third.sandbox!.missing.join(), /something else is missing now/);
  assert.ok(trials() > before);
});

test("with walls it says so", WALLED, async (t) => {
  const { sandbox } = await introduction(t, { sandboxPolicy: READ_ONLY });
  assert.deepEqual(
    [sandbox?.level, sandbox?.summary, sandbox?.missing],
    ["walls", "commands are confined by bubblewrap", []],
  );
  const loose = { sandboxPolicy: { mode: "danger-full-access" }, containFullAccess: false } as const;
  const open = await introduction(t, loose);
  assert.equal(open.sandbox?.level, "none");
  assert.match(open.sandbox!.missing.join(), /contain_full_access/);
});

test("what is remembered loosens nothing: before the first command comes a trial, and the user is told", async (t) => {
  const { config, home, trials } = machine(t);
  // A command waits for the trial, however long that takes; the first event does not.
  const first = await introduction(t, config);
  first.server.enqueue(call("exec_command", { cmd: "echo ran" }), text("done"));
  await first.talk.end(first.talk.say("go"));
  const file = join(home, "sandbox-level.json");
  const lie = { ...JSON.parse(readFileSync(file, "utf8")), walls: "bubblewrap", reasons: { walls: [], cage: [] } };
  writeFileSync(file, JSON.stringify(lie));
  const before = trials();
  const { talk, server, sandbox } = await introduction(t, config);
  assert.deepEqual([sandbox?.level, trials()], ["walls", before]);
  server.enqueue(call("exec_command", { cmd: "echo ran" }), text("done"));
  await talk.end(talk.say("go"));
  assert.ok(trials() > before);
  assert.match(
    (await talk.until("background_event")).message,
    /sandbox: commands can't be confined here.*no namespaces/,
  );
  assert.deepEqual(
    talk.events.filter(({ msg }) => msg.type === "exec_command_begin"),
    [],
  );
  assert.equal(JSON.parse(readFileSync(file, "utf8")).walls, undefined);
});

test("without bubblewrap less is kept, and only where the user wants that", WALLED, async (t) => {
  const { config, shims } = machine(t);
  for (const name of ["unshare", "setpriv"]) rmSync(join(shims, name));
  const refused = await introduction(t, config);
  assert.equal(refused.sandbox?.level, "none");
  assert.match(refused.sandbox!.missing.join(), /apparmor.*or, for less .*keyrings.* set allow_partial_sandbox = true/);
  const { talk, server, sandbox } = await introduction(t, { ...config, allowPartialSandbox: true });
  assert.deepEqual(
    [sandbox?.level, sandbox?.summary],
    ["partial", "commands are confined by unshare, but not in their system calls"],
  );
  assert.match(sandbox!.missing.join(), /without bubblewrap's filter commands can use keyrings/);
  server.enqueue(call("shell", { command: ["sh", "-c", "echo ran; touch x"] }), text("done"));
  await talk.end(talk.say("go"));
  assert.match(server.requests[1]!.outputOf("call_0_0") ?? "", /ran\n.*Read-only file system/);
});

test("a file that is not ours is passed over", async (t) => {
  const { config, home } = machine(t);
  for (const text of ["", "[]", '{"key":1}', "x".repeat(10_000)]) {
    writeFileSync(join(home, "sandbox-level.json"), text);
    assert.equal((await introduction(t, config)).sandbox?.level, "none");
  }
});

test("what commands may leave running with full access is left, told and listed; in other modes nothing is", async (t) => {
  const full = { keepBackgroundProcesses: true, sandboxPolicy: { mode: "danger-full-access" } } as const;
  const { talk, server, sandbox } = await introduction(t, full);
  assert.equal(sandbox?.level, "none");
  assert.match(sandbox!.missing.join(), /keep_background_processes is true/);
  const seconds = `86402.${process.pid}`;
  const command = ["sh", "-c", `setsid sleep ${seconds} >/dev/null 2>&1 & echo started`];
  server.enqueue(call("shell", { command }), text("done"));
  const end = await talk.end(talk.say("go"));
  const told = await talk.until("exec_command_end");
  const pids = (told.kept ?? []).map(({ pid }) => pid);
  t.after(() => {
    for (const pid of pids) process.kill(pid, "SIGKILL");
  });
  assert.deepEqual(
    told.kept?.map(({ command }) => command),
    [["sleep", seconds]],
  );
  assert.ok(end.type === "task_complete");
  assert.deepEqual(
    end.processes?.map(({ outcome, pid }) => [outcome, pid]),
    [["kept", pids[0]]],
  );
  assert.match(
    server.requests[1]!.outputOf("call_0_0") ?? "",
    new RegExp(`Left running: ${pids[0]} sleep ${seconds}\\.`),
  );
  await talk.close();
  assert.equal(process.kill(pids[0]!, 0), true);
});

test("in a confined mode the key keeps nothing", WALLED, async (t) => {
  const { talk, server } = await introduction(t, { keepBackgroundProcesses: true, sandboxPolicy: READ_ONLY });
  const command = ["sh", "-c", "sleep 60 & echo started"];
  server.enqueue(call("shell", { command }), text("done"));
  const end = await talk.end(talk.say("go"));
  const told = await talk.until("exec_command_end");
  assert.deepEqual([told.kept, end.processes], [undefined, undefined]);
  assert.match(server.requests[1]!.outputOf("call_0_0") ?? "", /were stopped/);
});
