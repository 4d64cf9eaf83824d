import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { type TestContext, test } from "node:test";
import { Scope } from "../../src/base/index.js";
import { Terminals } from "../../src/engine/terminals.js";
import { probe } from "../../src/sandbox/index.js";

const PLACE = { cwd: tmpdir(), home: tmpdir() };
const PATH = process.env.PATH ?? "/usr/bin:/bin";
const never = new AbortController().signal;
const level = await probe(PLACE, { env: { PATH }, signal: never });

/** Terminals without a conversation around them; what they tell is in `told`. */
function openTerminals(t: TestContext) {
  const scope = Scope.root("test");
  t.after(() => scope.end());
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const terminals = new Terminals({ scope, clock, random: (n) => randomBytes(n) });
  const told: string[] = [];
  const start = (script: string) => {
    const argv = ["/bin/sh", "-c", script];
    const opened = terminals.open((id) => ({
      ...{ callId: `call-${id}`, argv, tty: false, policy: { mode: "danger-full-access" } as const, level },
      ...{ command: { argv, cwd: PLACE.cwd, env: { PATH } }, place: PLACE, timeoutMs: undefined },
      keep: { head: 1000, tail: 1000 },
      emit: (msg) => {
        told.push(msg.type === "exec_command_output_delta" ? Buffer.from(msg.chunk).toString() : msg.type);
        return undefined;
      },
      end: (own, ran) => {
        told.push(`end of ${own === id && ran.ok ? ran.exit.code : "another"}`);
        return [];
      },
    }));
    assert.ok(opened.ok);
    return opened.terminal;
  };
  return { terminals, told, start, scope };
}

test("from the receipt on nothing is told of any terminal until the turn has ended: who is kept has not ended", async (t) => {
  const { terminals, told, start } = openTerminals(t);
  const terminal = start("read -r line; echo $line; exit 3");
  let end: () => void = () => undefined;
  const kept = terminals.keep(new Promise<void>((resolve) => (end = resolve)));
  assert.deepEqual(
    kept.map(({ process_id, outcome }) => [process_id, outcome]),
    [[String(terminal.id), "kept"]],
  );
  await terminal.type("hello\n", 10_000, never);
  // Its output is there to be read, so it has been read from the pipe; nobody was told.
  assert.equal(await terminal.wait(300, never), "running");
  assert.deepEqual([told, terminal.end], [[], undefined]);
  end();
  assert.equal(await terminal.wait(20_000, never), "ended");
  assert.deepEqual(told, ["hello\n", "end of 3"]);
  assert.equal(terminal.read().parts().head, "hello\n");
});

test("an id is never used twice, and the end of the scope is the end of all", async (t) => {
  const { terminals, told, start, scope } = openTerminals(t);
  const ids = new Set<number>();
  for (let n = 0; n < 5; n += 1) {
    const terminal = start("exit 0");
    ids.add(terminal.id);
    assert.equal(await terminal.wait(20_000, never), "ended");
    terminals.forget(terminal);
  }
  assert.equal(ids.size, 5);
  const last = start("sleep 60");
  assert.equal((await scope.end()).lingering.length, 0);
  assert.equal(last.end?.exit?.end, "cancelled");
  assert.equal(told.filter((one) => one.startsWith("end of")).length, 6);
});

test("ids are drawn until one is free", (t) => {
  const scope = Scope.root("test");
  t.after(() => scope.end());
  const clock = { now: () => 0, monotonic: () => 0 };
  const terminals = new Terminals({ scope, clock, random: (n) => new Uint8Array(n) });
  const start = {
    ...{ callId: "c", argv: [""], tty: false, policy: { mode: "danger-full-access" } as const, level },
    ...{ command: { argv: [""], cwd: "/", env: {} }, place: PLACE, timeoutMs: undefined },
    ...{ keep: { head: 0, tail: 0 }, emit: () => undefined, end: () => [] },
  };
  const opened = [1, 2, 3].map(() => terminals.open(() => start));
  assert.deepEqual(
    opened.map((one) => one.ok && one.terminal.id),
    [1000, 1001, 1002],
  );
});
