import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createConversations } from "../../src/engine/index.js";
import { runDemo } from "../../src/front/exec/demo.js";
import { diffDemoProject, makeDemoProject } from "../../src/front/exec/demo-project.js";
import type { FrontDeps, Output } from "../../src/front/host/index.js";
import { streamDemo } from "../../src/model/demo/index.js";
import type { ModelEvent, ModelRequest, ToolSpec } from "../../src/model/index.js";
import { type FunctionCallItem, type ResponseItem, userMessage } from "../../src/protocol/index.js";

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function makeProject(env: NodeJS.ProcessEnv = process.env) {
  const project = await makeDemoProject({ env, node: process.execPath });
  folders.push(join(project.folder, ".."));
  return project;
}

const project = await makeProject();
const files = await Promise.all(
  ["package.json", "booking.mjs", "test.mjs"].map((name) => readFile(join(project.folder, name), "utf8")),
);

const tool = (name: string): ToolSpec => ({ type: "function", name, description: "", parameters: {} });
const environment = (folder: string) =>
  userMessage(`<environment_context>\nCurrent working directory: ${folder}\nShell: bash\n</environment_context>`);

function requestOf(
  input: readonly ResponseItem[],
  tools: readonly string[] = ["exec_command", "apply_patch", "update_plan"],
): ModelRequest {
  return { model: "demo", info: {}, instructions: "be brief", input, tools: tools.map(tool), conversationId: "c" };
}

interface Answer {
  readonly events: readonly ModelEvent[];
  readonly text: string;
  readonly calls: readonly FunctionCallItem[];
}

async function ask(request: ModelRequest, signal = new AbortController().signal): Promise<Answer> {
  const events: ModelEvent[] = [];
  for await (const event of streamDemo(request, signal)) events.push(event);
  const items = events.flatMap((event) => (event.type === "item" ? [event.item] : []));
  const deltas = events.map((event) => (event.type === "text_delta" ? event.delta : "")).join("");
  const text = items
    .map((item) => (item.type === "message" ? item.content.map((part) => ("text" in part ? part.text : "")) : []))
    .join("");
  assert.equal(deltas, text, "the text is what was streamed");
  assert.equal(events.at(-1)?.type, "completed");
  return { events, text, calls: items.filter((item) => item.type === "function_call") };
}

/** What a call's output is in the test: by the script of a command, or the name of another tool; a list, one run each. */
type Outputs = Readonly<Record<string, string | readonly string[]>>;

const ran = (code: number, output: string) => `Exit code: ${code}\nWall time: 0.1 seconds\nOutput:\n${output}`;
const FAILING = "ok    a\nFAIL  a guest may arrive\n      expected true, got false\n1 of 2 checks passed\n";

const GOOD: Outputs = {
  ls: ran(0, "booking.mjs\n"),
  "cat package.json booking.mjs test.mjs": ran(0, files.join("")),
  "node test.mjs": [ran(1, FAILING), ran(0, "2 of 2 checks passed\n")],
  apply_patch: "Success. Updated the following files:\nM booking.mjs\n",
  update_plan: Array<string>(4).fill("Plan updated"),
};

/** Plays a conversation to its end: every answer, the last one without a call. */
async function play(
  outputs: Outputs,
  {
    tools,
    before = [environment(project.folder), userMessage("fix it")],
  }: { tools?: string[]; before?: ResponseItem[] } = {},
): Promise<{ answers: Answer[]; input: ResponseItem[] }> {
  const input = [...before];
  const answers: Answer[] = [];
  const asked = new Map<string, number>();
  for (let step = 0; step < 10; step += 1) {
    const answer = await ask(requestOf(input, tools));
    answers.push(answer);
    if (answer.calls.length === 0) return { answers, input };
    input.push(...answer.calls);
    for (const call of answer.calls) {
      const cmd = (JSON.parse(call.arguments) as { cmd?: string }).cmd;
      const key = cmd ?? call.name;
      const runs = asked.get(key) ?? 0;
      asked.set(key, runs + 1);
      const output = [outputs[key] ?? []].flat().at(runs);
      assert.ok(output !== undefined, `unexpected call ${call.name} ${call.arguments}`);
      input.push({ type: "function_call_output", call_id: call.call_id, output });
    }
  }
  return assert.fail("the script does not come to an end");
}

const namesOf = (answers: readonly Answer[]) => answers.map((answer) => answer.calls.map((call) => call.name));

describe("the script", { concurrency: true }, () => {
  test("reads two things at once, runs the test, patches, runs it again", async () => {
    const { answers, input } = await play(GOOD, { tools: ["exec_command", "apply_patch"] });
    assert.deepEqual(namesOf(answers), [
      ["exec_command", "exec_command"],
      ["exec_command"],
      ["apply_patch"],
      ["exec_command"],
      [],
    ]);
    assert.match(answers[0]!.text, /not a model/);
    assert.match(answers[2]!.text, /"a guest may arrive"/);
    const ids = input.filter((item) => item.type === "function_call").map((call) => call.call_id);
    assert.equal(new Set(ids).size, ids.length);
    assert.match(answers.at(-1)!.text, /^Fixed: .*2 of 2 checks passed/);
  });

  test("keeps the plan where that tool is offered, one more step done each time", async () => {
    const { answers } = await play(GOOD);
    const plans = answers
      .flatMap((answer) => answer.calls)
      .filter((call) => call.name === "update_plan")
      .map((call) => (JSON.parse(call.arguments) as { plan: { status: string }[] }).plan.map((step) => step.status));
    assert.deepEqual(plans, [
      ["in_progress", "pending", "pending"],
      ["completed", "in_progress", "pending"],
      ["completed", "completed", "in_progress"],
      ["completed", "completed", "completed"],
    ]);
    assert.match(answers.at(-1)!.text, /^Fixed/);
  });

  test("says so when the test passes already, and changes nothing", async () => {
    const { answers } = await play({ ...GOOD, "node test.mjs": ran(0, "2 of 2 checks passed\n") });
    assert.equal(answers.length, 3);
    assert.match(answers.at(-1)!.text, /passes already/);
  });

  const stops: readonly (readonly [string, Outputs, RegExp])[] = [
    [
      "reading is refused",
      { ls: "sandbox says no", "cat package.json booking.mjs test.mjs": "sandbox says no" },
      /reading the files .*\(sandbox says no\)/,
    ],
    [
      "the files are others",
      { "cat package.json booking.mjs test.mjs": ran(1, "cat: test.mjs: No such file\n") },
      /reading the files .*No such file/,
    ],
    [
      "the test command is another",
      { "cat package.json booking.mjs test.mjs": ran(0, '{"scripts":{"test": "rm -rf test.mjs"}}') },
      /reading the files/,
    ],
    [
      "the test does not run",
      { "node test.mjs": "exec command rejected by user" },
      /the test .*\(exec command rejected by user\)/,
    ],
    [
      "the test fails in another way",
      { "node test.mjs": ran(1, "SyntaxError: what\n") },
      /not the failure that I know/,
    ],
    [
      "the test still fails after the patch",
      { "node test.mjs": [ran(1, FAILING), ran(1, FAILING)] },
      /the second run of the test .*I don't call this fixed/,
    ],
    ["the patch is refused", { apply_patch: "patch rejected by user" }, /the patch .*\(patch rejected by user\)/],
  ];
  for (const [name, outputs, said] of stops) {
    test(`ends, saying why, when ${name}`, async () => {
      const { answers } = await play({ ...GOOD, ...outputs });
      assert.match(answers.at(-1)!.text, said);
      assert.doesNotMatch(answers.at(-1)!.text, /^Fixed/);
    });
  }

  test("starts anew with the next prompt of the conversation, with new ids", async () => {
    const first = await play(GOOD);
    const before = [...first.input, userMessage("again")];
    const second = await play({ ...GOOD, "node test.mjs": ran(0, "ok\n") }, { before });
    assert.equal(second.answers.length, 3);
    const ids = second.input.filter((item) => item.type === "function_call").map((call) => call.call_id);
    assert.equal(new Set(ids).size, ids.length);
  });

  test("anywhere else it says that it is a script and how to get a model", async () => {
    for (const input of [[userMessage("what is 2 + 2?")], [environment("/home/me/work"), userMessage("hi")]]) {
      const answer = await ask(requestOf(input));
      assert.deepEqual(answer.calls, []);
      assert.match(answer.text, /script .*not a model/);
      for (const way of ["OPENAI_API_KEY", "base_url", "--oss"]) assert.ok(answer.text.includes(way), way);
    }
  });

  test("without its tools it says so", async () => {
    const answer = await ask(requestOf([environment(project.folder), userMessage("go")], ["exec_command"]));
    assert.deepEqual(answer.calls, []);
    assert.match(answer.text, /without the tools/);
  });

  test("the same request gets the same answer, with an estimate of tokens", async () => {
    const request = requestOf([environment(project.folder), userMessage("go")]);
    const [one, other] = [await ask(request), await ask(request)];
    assert.deepEqual(one.events, other.events);
    const end = one.events.at(-1);
    assert.ok(end?.type === "completed" && end.usage !== undefined);
    assert.ok(end.usage.input > 20 && end.usage.output > 20);
    assert.equal(end.usage.total, end.usage.input + end.usage.output);
  });

  test("is cut by the signal, with its reason, in the middle of its text and before it", async () => {
    const reason = new Error("stop");
    const request = requestOf([userMessage("hi")]);
    await assert.rejects(ask(request, AbortSignal.abort(reason)), reason);
    const controller = new AbortController();
    let deltas = 0;
    const reading = async () => {
      for await (const event of streamDemo(request, controller.signal)) {
        if (event.type === "text_delta") deltas += 1;
        if (deltas === 3) controller.abort(reason);
      }
    };
    await assert.rejects(reading(), reason);
    assert.equal(deltas, 3);
  });
});

describe("the project", () => {
  const runTest = (folder: string) => spawnSync(process.execPath, ["test.mjs"], { cwd: folder, encoding: "utf8" });

  test("has a test that fails for the bug, and one commit that no setting of the user touched", async () => {
    const done = runTest(project.folder);
    assert.equal(done.status, 1);
    assert.equal(done.stdout.match(/^FAIL/gm)?.length, 2);
    assert.equal(project.withoutGit, undefined);
    const log = spawnSync("git", ["log", "--format=%an %ae"], { cwd: project.folder, encoding: "utf8" });
    assert.equal(log.stdout, "Belay demo demo@belay.invalid\n");
  });

  test("is made under hostile git settings too, and inside of another repository's environment", async () => {
    const home = join(project.home, "user");
    await mkdir(join(home, "hooks"), { recursive: true });
    await writeFile(join(home, "hooks", "pre-commit"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    await writeFile(join(home, ".gitconfig"), `[core]\nhooksPath = ${join(home, "hooks")}\n[commit]\ngpgsign = true\n`);
    const made = await makeProject({ ...process.env, HOME: home, GIT_DIR: "/nowhere", GIT_INDEX_FILE: "/nowhere/i" });
    assert.equal(made.withoutGit, undefined);
  });

  test("without git it is a plain folder, and its diff is shown all the same", async () => {
    const env = { PATH: "/nonexistent" };
    const made = await makeProject(env);
    assert.equal(made.withoutGit, "git is not installed");
    assert.equal(await diffDemoProject(made, { env }), "");
    const source = join(made.folder, "booking.mjs");
    await writeFile(source, (await readFile(source, "utf8")).replaceAll("<=", "<"));
    assert.equal(
      await diffDemoProject(made, { env }),
      "--- a/booking.mjs\n+++ b/booking.mjs\n-  return a.arrive <= b.leave && b.arrive <= a.leave;\n+  return a.arrive < b.leave && b.arrive < a.leave;\n",
    );
    const manifest = JSON.parse(await readFile(join(made.folder, "package.json"), "utf8"));
    assert.equal(manifest.scripts.test, `"${process.execPath}" test.mjs`);
  });
});

describe("belay demo", { concurrency: true }, () => {
  function surroundings(env: NodeJS.ProcessEnv): { deps: FrontDeps; written: { stdout: string; stderr: string } } {
    const written = { stdout: "", stderr: "" };
    const output = (name: "stdout" | "stderr"): Output => ({
      isTTY: false,
      broken: false,
      write(text) {
        written[name] += text;
      },
      onBroken: () => () => {},
    });
    const clock = { now: () => 1_700_000_000_000, monotonic: () => performance.now() };
    const random = (n: number) => new Uint8Array(n).fill(7);
    const deps: FrontDeps = {
      env,
      cwd: process.cwd(),
      stdin: {
        kind: "pipe",
        // biome-ignore lint/correctness/useYield: it must not be read at all.
        async *[Symbol.asyncIterator]() {
          assert.fail("the demo reads its input");
        },
      },
      stdout: output("stdout"),
      stderr: output("stderr"),
      clock,
      random,
      version: "0.0.0",
      signals: { onStop: () => () => {} },
      conversations: async () => createConversations({ clock, random, version: "0.0.0" }),
    };
    return { deps, written };
  }

  const shownFolder = (text: string) => {
    const folder = /^ {2}cd (.+)$/m.exec(text)?.[1];
    assert.ok(folder !== undefined);
    folders.push(join(folder, ".."));
    return folder;
  };

  for (const git of [true, false]) {
    test(`fixes the bug for real, ${git ? "in a repository" : "also without git and without node on PATH"}`, async () => {
      const env = git ? process.env : { PATH: await pathWithoutGitAndNode() };
      const { deps, written } = surroundings({ ...env, CODEX_HOME: join(project.home, "nobody") });
      assert.equal(await runDemo({ json: false }, deps), 0, written.stderr);
      const folder = shownFolder(written.stderr);
      assert.equal(spawnSync(process.execPath, ["test.mjs"], { cwd: folder }).status, 0);
      assert.match(written.stdout, /^Fixed: .*5 of 5 checks passed/);
      assert.match(written.stderr, /^This is a demo: the model is a script/);
      assert.match(written.stderr, /^\+ {2}return a\.arrive < b\.leave && b\.arrive < a\.leave;$/m);
      for (const way of ["OPENAI_API_KEY=", "[model_providers.mine]", "--oss"]) assert.ok(written.stderr.includes(way));
      assert.ok(written.stderr.includes(join(project.home, "nobody", "config.toml")));
      assert.ok(!existsSync(join(project.home, "nobody")));
    });
  }

  test("with --json, stdout is JSON lines to the end of the turn", async () => {
    const { deps, written } = surroundings(process.env);
    assert.equal(await runDemo({ json: true }, deps), 0, written.stderr);
    const folder = shownFolder(written.stderr);
    const types = written.stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { type: string }).type);
    assert.equal(types[0], "thread.started");
    assert.equal(types.at(-1), "turn.completed");
    // The record of the session lies beside the project, and not in the user's home.
    const kept = await readdir(join(folder, "..", "home"), { recursive: true });
    assert.ok(kept.some((name) => /rollout-.*\.jsonl$/.test(name)));
  });

  test("says so when there is no place for the project", async () => {
    const { deps, written } = surroundings({ ...process.env, TMPDIR: join(project.folder, "README.md") });
    assert.equal(await runDemo({ json: false }, deps), 1);
    assert.match(written.stderr, /^belay: the project can't be made: ENOTDIR/m);
  });

  /** A folder with just what the demo's commands need: a shell and cat, ls. */
  async function pathWithoutGitAndNode(): Promise<string> {
    const bin = join(project.home, "bin");
    await mkdir(bin, { recursive: true });
    for (const name of ["ls", "cat", "sh", "bash"]) {
      const real = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
      await writeFile(join(bin, name), `#!/bin/sh\nexec ${real} "$@"\n`, { mode: 0o755 });
    }
    return bin;
  }
});
