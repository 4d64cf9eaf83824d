import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { USERS, type User } from "../sandbox/jobs.js";
import { call, text } from "../support/model-server.js";
import { mockConfig, openScene, PROGRAM } from "../support/program.js";
import { REAPED, RUNAWAYS, survivors } from "../support/runaways.js";
import { WALLED } from "../support/walls.js";
import { openProto, type ProtoClient } from "./proto-client.js";

/*
 * Programs that do what they can to outlive their command, against every way it can end, in every mode, for root and for
 * others. All of it in the soak; otherwise the endings that test/sandbox/runaways.test.ts has not, once in each mode.
 */

const MODES = ["read-only", "workspace-write", "danger-full-access"];
const ENDINGS = ["an interrupt", "the time limit", "the end of the conversation", "SIGTERM", "SIGKILL"] as const;
type Ending = (typeof ENDINGS)[number];

interface Cell {
  readonly user: User;
  readonly mode: string;
  readonly ending: Ending;
  readonly runaway: string;
  /** In full access: in no PID namespace. */
  readonly uncaged?: boolean;
}

/** In no PID namespace every ending, by the runaway that leaves nothing by which it could be found but its reaper. */
function uncagedCells(): Cell[] {
  const names = Object.keys(RUNAWAYS);
  const lost = names.filter((name) => name.includes("daemon")).slice(-1);
  const runaways = process.env.BELAY_SOAK === undefined ? lost : names;
  return USERS.flatMap((user) =>
    ENDINGS.flatMap((ending) =>
      runaways.map((runaway) => ({ user, mode: "danger-full-access", ending, runaway, uncaged: true })),
    ),
  );
}

function cells(): Cell[] {
  const names = Object.keys(RUNAWAYS);
  return USERS.flatMap((user, shift) => {
    if (process.env.BELAY_SOAK === undefined) {
      return ENDINGS.slice(2).map((ending, at) => {
        const [mode, runaway] = [MODES[(at + shift) % MODES.length]!, names[(at * 2 + shift) % names.length]!];
        return { user, mode, ending, runaway };
      });
    }
    return MODES.flatMap((mode) =>
      ENDINGS.flatMap((ending) => names.map((runaway) => ({ user, mode, ending, runaway }))),
    );
  });
}

/** A conversation of one user, with a home and a program that this user can read. */
async function conversationOf(t: TestContext, { user, uncaged }: Cell): Promise<ProtoClient> {
  const scene = await openScene(t);
  if (uncaged === true) scene.place.configure(mockConfig(scene.server, { top: "contain_full_access = false" }));
  const { place } = scene;
  const program = join(place.tmp, "dist", "belay.cjs");
  cpSync(dirname(PROGRAM), dirname(program), { recursive: true });
  const base = dirname(place.home);
  chmodSync(base, 0o755);
  if (user.id !== undefined) spawnSync("chown", ["-R", `${user.id}:${user.id}`, base]);
  return openProto(t, { scene, user: user.id, program });
}

async function end(ending: Ending, client: ProtoClient): Promise<void> {
  if (ending === "an interrupt") {
    client.send("stop", { type: "interrupt" });
    const event = await client.end("go");
    assert.ok(event.type === "turn_aborted");
    assert.deepEqual(
      event.processes?.map(({ outcome }) => outcome),
      ["killed"],
    );
  } else if (ending === "the time limit") {
    assert.equal((await client.until("exec_command_end")).end, "timed_out");
  } else if (ending === "the end of the conversation") {
    client.send("bye", { type: "shutdown" });
    await client.until("shutdown_complete");
  } else {
    client.program.signal(ending);
    await client.program.ended;
  }
}

/** What a receipt names as perhaps alive. */
function namedIn({ events }: ProtoClient): unknown[] {
  const named = events.flatMap(({ msg }) => ("processes" in msg ? (msg.processes ?? []) : []));
  return named.filter(({ outcome }) => outcome === "may_survive");
}

describe("runaways", { concurrency: 2 }, () => {
  for (const [at, cell] of [...cells(), ...uncagedCells()].entries()) {
    const { user, mode, ending, runaway, uncaged } = cell;
    const where = uncaged === true ? `${mode} without a namespace` : mode;
    const needs = uncaged === true ? REAPED : WALLED;
    test(`${runaway}, in ${where}, as ${user.name}, ended by ${ending}: nothing survives`, needs, async (t) => {
      const mark = `86401.${process.pid}${at}`;
      const client = await conversationOf(t, cell);
      const command = RUNAWAYS[runaway]!.map((part) => part.replaceAll("%", mark));
      const limit = ending === "the time limit" ? { timeout_ms: 1500 } : {};
      client.server.enqueue(call("shell", { command, ...limit }), text("done"));
      const sandbox_policy = mode === "workspace-write" ? { mode, writable_roots: [] } : { mode };
      client.send("policy", { type: "override_turn_context", sandbox_policy } as Parameters<ProtoClient["send"]>[1]);
      client.say("go", "go");
      await client.until("exec_command_output_delta");
      if (ending !== "the time limit")
        while (survivors(mark).length === 0) await new Promise((done) => setTimeout(done, 5));
      await end(ending, client);
      // Nobody waits for the death of what dies with us.
      if (ending === "SIGKILL") while (survivors(mark).length > 0) await new Promise((done) => setTimeout(done, 5));
      assert.deepEqual(survivors(mark), []);
      assert.deepEqual(namedIn(client), []);
      if (ending === "SIGKILL") return;
      await client.finish();
    });
  }
});
