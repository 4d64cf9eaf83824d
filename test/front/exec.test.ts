import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runCommandLine } from "../../src/command-line.js";
import { fakeDeps } from "./fake-deps.js";
import type { Step } from "./fake-engine.js";
import { type Ended, makePlace, type Place, runProgram, startProgram } from "./run-program.js";

const answer = (text: string): Step[] => [
  { type: "task_started" },
  { type: "agent_message", message: text },
  { type: "task_complete", last_agent_message: text },
];
async function runHere(words: readonly string[], options: Parameters<typeof fakeDeps>[0]): Promise<Ended> {
  const deps = fakeDeps(options);
  const code = await runCommandLine(words, deps);
  return { code, ...deps.written };
}
const hanging: Step[] = [
  { type: "task_started" },
  { type: "agent_message", message: "working" },
  { type: "background_event", message: "[turn runs]" },
  { type: "hang" },
];
const terminalOf = ({ stdout }: Ended) =>
  JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;

describe("belay exec", { concurrency: 4 }, () => {
  let place: Place;
  before(() => {
    place = makePlace();
  });
  after(() => place.remove());

  it("prints the final message alone on stdout", async () => {
    const run = await runProgram(["exec", "say it"], { place, script: answer("a\x1b[1mb") });
    assert.equal(run.stdout, "a\x1b[1mb\n");
    assert.match(
      run.stderr,
      /^Belay 1\.2\.3\n--------\nworkdir: .*\n[\s\S]*approval: never\nsandbox: read-only\n[\s\S]*you\nsay it\n/,
    );
    assert.doesNotMatch(run.stderr, /a.*b\n/);
    assert.equal(run.code, 0);
  });

  it("tells what is asked of the model, not what was set", async () => {
    const words = ["-c", "model=gpt-5.5", "-c", "model_reasoning_effort=ultra", "-c", "service_tier=fast"];
    const run = await runProgram(["exec", ...words, "x"], { place, script: answer("hi") });
    assert.match(run.stderr, /\nmodel: gpt-5\.5\n[\s\S]*\nreasoning effort: xhigh\nservice tier: priority\n/);
    const plain = await runProgram(["exec", "-c", "model=m1", "x"], { place, script: answer("hi") });
    assert.doesNotMatch(plain.stderr, /reasoning effort|service tier/);
  });

  it("ends with 1 and nothing on stdout when the turn failed", async () => {
    const script: Step[] = [
      { type: "error", message: "401 bad key" },
      { type: "task_complete", last_agent_message: null, failed: true },
    ];
    const run = await runProgram(["exec", "x"], { place, script });
    assert.deepEqual([run.code, run.stdout], [1, ""]);
    assert.match(run.stderr, /error: 401 bad key/);
  });

  it("prints events as lines, warnings too, and the terminal one last", async () => {
    const home = makePlace();
    writeFileSync(join(home.home, "config.toml"), 'sandbox_mode = "read-only"\ndefault_permissions = "mine"\n');
    const run = await runProgram(["exec", "--json", "x"], { place: home, script: answer("hi") });
    home.remove();
    const lines = run.stdout.trimEnd().split("\n");
    assert.deepEqual(
      lines
        .map((line) => JSON.parse(line) as { type: string; item?: { type: string } })
        .map((l) => l.item?.type ?? l.type),
      ["thread.started", "error", "turn.started", "agent_message", "turn.completed"],
    );
    assert.equal(run.code, 0);
  });

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    it(`stops the turn properly on ${signal}`, async () => {
      const { child, ended, seen } = startProgram(["exec", "--json", "x"], { place, script: hanging });
      child.stdin.end();
      await seen("[turn runs]");
      child.kill(signal);
      const run = await ended;
      assert.equal(run.code, code);
      assert.equal(terminalOf(run).type, "turn.aborted");
    });
  }

  it("leaves at once on the second SIGINT, killing what runs", async () => {
    const script: Step[] = [{ type: "background_event", message: "[turn runs]" }, { type: "stubborn" }];
    const { child, ended, seen } = startProgram(["exec", "x"], { place, script });
    child.stdin.end();
    await seen("[turn runs]");
    child.kill("SIGINT");
    // A second press, not the same one seen twice.
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill("SIGINT");
    const run = await ended;
    assert.equal(run.code, 130);
    assert.match(run.stderr, /\[killed\]/);
  });

  it("stops at the deadline with 124", async () => {
    const run = await runProgram(["exec", "--deadline", "0.2s", "x"], { place, script: hanging });
    assert.equal(run.code, 124);
    assert.match(run.stderr, /turn interrupted/);
  });

  it("stops quietly when nobody reads stdout any more", async () => {
    const script: Step[] = [
      { type: "agent_message", message: "one" },
      { type: "flood", count: 200, msg: { type: "agent_message", message: "x".repeat(10_000) } },
      { type: "hang" },
    ];
    const { child, ended, seen } = startProgram(["exec", "--json", "x"], { place, script });
    child.stdin.end();
    await seen("one");
    child.stdout.destroy();
    const run = await ended;
    assert.equal(run.code, 141);
    assert.doesNotMatch(run.stderr, /EPIPE|error/i);
  });

  it("delivers 5 MB to a slow reader before it leaves", async () => {
    const { child, ended } = startProgram(["exec", "x"], {
      place,
      script: [{ type: "long", length: 5_000_000 }],
    });
    child.stdin.end();
    child.stdout.pause();
    await new Promise((resolve) => child.stderr.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.stdout.resume();
    const run = await ended;
    assert.equal(run.stdout.length, 5_000_001);
    assert.equal(run.code, 0);
  });
});

describe("belay exec, in this process", () => {
  let place: Place;
  before(() => {
    place = makePlace();
  });
  after(() => place.remove());

  it("writes the last message, whole or not at all, where -o says", async () => {
    const target = join(place.dir, "real.txt");
    const link = join(place.dir, "link.txt");
    writeFileSync(target, "old");
    chmodSync(target, 0o600);
    symlinkSync(target, link);
    const run = await runHere(["exec", "-o", "link.txt", "x"], { place, script: answer("the end") });
    assert.equal(run.code, 0);
    assert.equal(readFileSync(target, "utf8"), "the end");
    assert.equal(statSync(target).mode & 0o777, 0o600);
    assert.ok(readdirSync(place.dir).every((name) => !name.startsWith(".belay-")));

    const none = await runHere(["exec", "-o", "none.txt", "x"], {
      place,
      script: [{ type: "task_complete", last_agent_message: null }],
    });
    assert.equal(readFileSync(join(place.dir, "none.txt"), "utf8"), "");
    assert.match(none.stderr, /no final message/);
  });

  it("writes to a pipe without replacing it", async () => {
    const pipe = join(place.dir, "pipe");
    execFileSync("mkfifo", [pipe]);
    const reader = spawn("cat", [pipe], { timeout: 30_000 });
    const read = new Promise<string>((resolve) =>
      reader.stdout
        .setEncoding("utf8")
        .once("data", resolve)
        .once("end", () => resolve("")),
    );
    const run = await runHere(["exec", "-o", "pipe", "x"], { place, script: answer("z") });
    assert.equal(run.code, 0);
    assert.ok(statSync(pipe).isFIFO());
    assert.equal(await read, "z");
  });

  it("checks the final message against the schema", async () => {
    const schema = join(place.dir, "schema.json");
    writeFileSync(
      schema,
      JSON.stringify({
        type: "object",
        properties: { files: { type: "array", items: { type: "object", properties: { name: { type: "string" } } } } },
        required: ["files"],
      }),
    );
    const words = ["exec", "--output-schema", "schema.json", "x"];
    const good = await runHere(words, { place, script: answer('{"files":[{"name":"a"}]}') });
    assert.equal(good.code, 0);
    const bad = await runHere(words, { place, script: answer('{"files":[{"name":1}]}') });
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /does not match --output-schema at \/files\/0\/name/);
    const text = await runHere([...words, "--json"], { place, script: answer("no json") });
    assert.equal(text.code, 1);
    assert.equal(terminalOf(text).type, "turn.failed");
  });

  it("refuses, before anything starts, what can't work", async () => {
    writeFileSync(join(place.dir, "broken.json"), "{");
    writeFileSync(join(place.dir, "array.json"), "[]");
    writeFileSync(join(place.dir, "text.png"), "no image");
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["exec", "-C", "nowhere", "x"], /nowhere/],
      [["exec", "--output-schema", "broken.json", "x"], /broken\.json: is not JSON/],
      [["exec", "--output-schema", "array.json", "x"], /array\.json: is not a JSON object/],
      [["exec", "--output-schema", "gone.json", "x"], /gone\.json: cannot be read/],
      [["exec", "-i", "gone.png", "x"], /-i gone\.png: there is no such file/],
      [["exec", "-i", "text.png", "x"], /not a PNG/],
      [["exec", "-o", "no/such/dir/f", "x"], /its folder cannot be written to/],
      [["exec", "-o", ".git", "x"], /is a folder/],
      [["exec", " "], /the prompt is empty/],
      [["exec"], /the prompt is empty/],
      [["exec", "-"], /the prompt is empty/],
      [["exec", "-c", "model_provider=nope", "x"], /nope/],
      [["exce"], /unknown command 'exce'/],
      [[], /Usage: belay/],
    ];
    await Promise.all(
      cases.map(async ([words, message]) => {
        const run = await runHere(words, { place, script: answer("never") });
        assert.equal(run.code, 2, words.join(" "));
        assert.equal(run.stdout, "");
        assert.match(run.stderr, message);
        assert.doesNotMatch(run.stderr, /internal error|workdir/);
      }),
    );
  });

  it("wants a git repository, or to be told", async () => {
    const script = answer("ok");
    const cwd = place.home;
    const refused = await runHere(["exec", "x"], { place, script, cwd });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /--skip-git-repo-check/);
    assert.equal((await runHere(["exec", "--skip-git-repo-check", "x"], { place, script, cwd })).code, 0);
    assert.equal((await runHere(["exec", "--yolo", "x"], { place, script, cwd })).code, 0);
  });

  it("names the variable of a key that is missing", async () => {
    const run = await runHere(["exec", "x"], { place, script: answer("ok"), env: { OPENAI_API_KEY: "" } });
    assert.equal(run.code, 2);
    assert.match(run.stderr, /OPENAI_API_KEY[\s\S]*belay demo/);
    assert.ok(!existsSync(join(place.home, "sessions")));
  });

  it("takes overrides before and after the command", async () => {
    const words = ["-c", "model=early", "-c", "model_reasoning_effort=low", "exec", "-c", "model=late", "x"];
    const run = await runHere(words, { place, script: answer("ok") });
    assert.match(run.stderr, /model: late\n[\s\S]*reasoning effort: low\n/);
  });
});
