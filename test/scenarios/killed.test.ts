import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readTurns, restoreSession } from "../../src/rollout/index.js";
import { checkPairs } from "../rollout/place.js";
import { call, type ModelServer, type Reply, text } from "../support/model-server.js";
import { openScene, type Scene } from "../support/program.js";
import { SEED, seeded } from "../support/seed.js";

/** Kills at random moments; `npm run soak` takes 500. */
const KILLS = process.env.BELAY_SOAK === undefined ? 25 : 500;
/** Sessions that are worked on at the same time. */
const SESSIONS = 2;
/** Of the lines that a turn prints, the last after which it may be killed, and how long after, ms. */
const MOST_LINES = 12;
const LATEST = 4;

/** Text, commands, a patch, several calls at once: by the number of the request. */
function script(server: ModelServer): void {
  server.script((request, n): Reply => {
    const last = request.input.at(-1);
    const asked = last?.type === "message" && request.userTexts().at(-1)?.startsWith("turn") === true;
    if (!asked || n % 5 === 0) return text(`answer ${n} ${"and more ".repeat(20)}`, { chunks: 4, delayMs: 1 });
    const patch = `*** Begin Patch\n*** Update File: notes\n@@\n-last\n+line ${n}\n+last\n*** End Patch`;
    if (n % 3 === 0) return [text(`I change it in ${n}.`), call("apply_patch", { input: patch }, `p${n}`)];
    const commands = [`echo ${n} >> log`, "cat notes"];
    return commands.map((cmd, at) => call("exec_command", { cmd }, `c${n}_${at}`));
  });
}

interface Killed {
  readonly id: string | undefined;
  readonly finished: boolean;
}

/** One turn, killed in the middle, or just before or after its end. */
async function runAndKill(scene: Scene, words: readonly string[], random: () => number): Promise<Killed> {
  const program = scene.start(words);
  const after = Math.floor(random() * MOST_LINES);
  let [lines, id, finished]: [number, string | undefined, boolean] = [0, undefined, false];
  program.onLine((line) => {
    const event = JSON.parse(line) as { type: string; thread_id?: string };
    id ??= event.thread_id;
    finished ||= event.type === "turn.completed";
    lines += 1;
    // The first line of all comes before anything is recorded: a session that never was can't be gone on with.
    if (lines > after) setTimeout(() => program.signal("SIGKILL"), random() * LATEST);
  });
  const { stderr, code } = await program.ended;
  assert.ok(code === null || code === 0, stderr);
  return { id, finished };
}

async function killAgainAndAgain(scene: Scene, { kills, seed }: { readonly kills: number; readonly seed: number }) {
  const random = seeded(seed);
  const options = ["--json", "-c", "model_auto_compact_token_limit=1500"];
  const finished: string[] = [];
  const first = scene.start(["exec", ...options, "turn 0"]);
  let id = "";
  first.onLine((line) => (id ||= (JSON.parse(line) as { thread_id?: string }).thread_id ?? ""));
  await first.ended;
  for (let kill = 1; kill <= kills; kill += 1) {
    const words = ["exec", "resume", ...options, id, `turn ${kill}`];
    if ((await runAndKill(scene, words, random)).finished) finished.push(`turn ${kill}`);
  }
  // Once more, to its end: what the last kill left is put in order as well.
  const last = await scene.run(["exec", "resume", ...options, id, "turn last"]);
  assert.equal(last.code, 0, last.stderr);
  const { home } = scene.place;
  const signal = new AbortController().signal;
  const path = sessionFile(home, id);
  const restored = await restoreSession({ home, path, texts: { killed: "", lost: "" }, signal });
  checkPairs(restored.items);
  assert.deepEqual([restored.cutTurn, restored.supplied], [undefined, []]);
  const skipped = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.endsWith("}"));
  assert.ok(skipped.length <= kills, "more is torn than was killed");
  const turns = await readTurns(path, { home, signal });
  const completed = new Set(turns.filter(({ status }) => status === "completed").map((turn) => turn.text));
  assert.deepEqual(
    [...finished, "turn last"].filter((said) => !completed.has(said)),
    [],
    "ended turns are on record",
  );
  assert.deepEqual(
    turns.filter(({ status }) => status === "cut"),
    [],
    "every cut turn has its end",
  );
  return finished.length;
}

function sessionFile(home: string, id: string): string {
  const names = readdirSync(join(home, "sessions"), { recursive: true, encoding: "utf8" });
  return join(home, "sessions", names.find((name) => name.includes(id))!);
}

test(`a session outlives ${KILLS} kills at random moments, and every request after them is well-formed`, async (t) => {
  const scene = await openScene(t);
  script(scene.server);
  scene.place.write("notes", "first\nlast\n");
  t.diagnostic(`seed ${SEED} (BELAY_SEED)`);
  const shares = Array.from({ length: SESSIONS }, (_, at) => ({ kills: Math.ceil(KILLS / SESSIONS), seed: SEED + at }));
  const finished = await Promise.all(shares.map((share) => killAgainAndAgain(scene, share)));
  t.diagnostic(`${finished.reduce((sum, count) => sum + count, 0)} turns had ended before the kill`);
});
