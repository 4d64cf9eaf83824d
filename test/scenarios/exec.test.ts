import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { call, hold, text, usage } from "../support/model-server.js";
import { type Ended, openScene } from "../support/program.js";
import { FINAL, fixingReplies, writeProject } from "./project.js";

/** A PNG of one pixel. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

interface Line {
  readonly type: string;
  readonly item?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

function linesOf({ stdout }: Ended): Line[] {
  assert.ok(stdout.endsWith("\n"));
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

describe("belay exec does a task", { concurrency: 4 }, () => {
  for (const wire of ["responses", "chat"] as const) {
    it(`reads, tests, patches and sums up, over the wire ${wire}`, async (t) => {
      const { place, server, run } = await openScene(t, { wire });
      writeProject(place);
      server.enqueue(...fixingReplies());
      const done = await run(["exec", "fix the bug"]);
      assert.deepEqual([done.code, done.signal, done.stdout], [0, null, `${FINAL}\n`], done.stderr);
      assert.equal(place.read("sum.mjs"), "export const sum = (a, b) => a + b;\n");
      const inOrder = [
        "workdir: ",
        "model: mock-model",
        "you\nfix the bug",
        "Reading first.",
        "cat sum.mjs",
        "succeeded in",
        "export const sum = (a, b) => a - b;",
        "exec node sum.test.mjs in ",
        "exited 1 in",
        "sum is -1",
        "patch\nM sum.mjs",
        "-export const sum = (a, b) => a - b;\n+export const sum = (a, b) => a + b;",
        "patch applied",
        "sum is 5",
        "tokens: 500 in (200 cached), 50 out",
      ];
      let at = 0;
      for (const part of inOrder) {
        const found = done.stderr.indexOf(part, at);
        assert.notEqual(found, -1, `"${part}" is missing after position ${at} of:\n${done.stderr}`);
        at = found + part.length;
      }
      assert.doesNotMatch(done.stderr, /Fixed: sum|\x1b/);
      assert.equal(server.requests.length, 5);
      assert.equal(server.requests[0]!.headers.authorization, "Bearer mock-key-0123456789");
      assert.match(server.requests[2]!.outputOf("red") ?? "", /^Exit code: 1\n[\s\S]*sum is -1\n$/);
      assert.match(server.requests[4]!.outputOf("green") ?? "", /^Exit code: 0\n[\s\S]*sum is 5\n$/);
    });
  }

  it("prints the same run as thread events with --json", async (t) => {
    const { place, server, run } = await openScene(t);
    writeProject(place);
    server.enqueue(...fixingReplies());
    const done = await run(["exec", "--json", "fix the bug"]);
    assert.equal(done.code, 0, done.stderr);
    assert.equal(done.stderr, "");
    const [started, ...rest] = linesOf(done);
    assert.match(String(started?.thread_id), /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    const command = (id: string, line: string) => ({
      id,
      type: "command_execution",
      command: line,
      aggregated_output: "",
      exit_code: null,
      status: "in_progress",
    });
    const read = command("item_1", "/bin/sh -c 'cat sum.mjs'");
    const red = command("item_2", "node sum.test.mjs");
    const change = {
      id: "item_3",
      type: "file_change",
      changes: [{ path: join(place.dir, "sum.mjs"), kind: "update" }],
    };
    const green = command("item_4", "node sum.test.mjs");
    const source = "export const sum = (a, b) => a - b;\n";
    const ended = (status: string, code: number, output: string) => ({
      status,
      exit_code: code,
      aggregated_output: output,
    });
    const usage = {
      input_tokens: 500,
      cached_input_tokens: 200,
      cache_write_input_tokens: 0,
      output_tokens: 50,
      reasoning_output_tokens: 0,
    };
    assert.deepEqual(rest, [
      { type: "turn.started" },
      { type: "item.completed", item: { id: "item_0", type: "agent_message", text: "Reading first." } },
      { type: "item.started", item: read },
      { type: "item.completed", item: { ...read, ...ended("completed", 0, source) } },
      { type: "item.started", item: red },
      { type: "item.completed", item: { ...red, ...ended("failed", 1, "sum is -1\n") } },
      { type: "item.started", item: { ...change, status: "in_progress" } },
      { type: "item.completed", item: { ...change, status: "completed" } },
      { type: "item.started", item: green },
      { type: "item.completed", item: { ...green, ...ended("completed", 0, "sum is 5\n") } },
      { type: "item.completed", item: { id: "item_5", type: "agent_message", text: FINAL } },
      { type: "turn.completed", usage },
    ]);
  });

  it("tells the tokens of a run that goes on apart from those of all runs", async (t) => {
    const { server, run } = await openScene(t);
    server.script(() => [text("ok"), usage({ input: 100, cached: 40, output: 20, reasoning: 5 })]);
    const first = await run(["exec", "one"]);
    assert.match(first.stderr, /\ntokens: 100 in \(40 cached\), 20 out \(5 reasoning\)\n$/);
    const second = await run(["exec", "resume", "--last", "two"]);
    const [own, all] = ["100 in (40 cached), 20 out (5 reasoning)", "200 in (80 cached), 40 out (10 reasoning)"];
    assert.ok(second.stderr.endsWith(`\ntokens: ${own} in this run; ${all} in all\n`), second.stderr);
    const third = await run(["exec", "--json", "resume", "--last", "three"]);
    const tokens = (times: number) => ({
      input_tokens: 100 * times,
      cached_input_tokens: 40 * times,
      cache_write_input_tokens: 0,
      output_tokens: 20 * times,
      reasoning_output_tokens: 5 * times,
    });
    const end = JSON.parse(third.stdout.trimEnd().split("\n").at(-1)!) as unknown;
    assert.deepEqual(end, { type: "turn.completed", usage: tokens(3), run_usage: tokens(1) });
  });

  it("runs reading calls of one response beside each other", async (t) => {
    const { server, run } = await openScene(t);
    server.enqueue(
      [
        call("exec_command", { cmd: "sleep 0.3" }, "a"),
        call("shell", { command: ["echo", "b"] }, "b"),
        call("exec_command", { cmd: "cat nothing-there" }, "c"),
      ],
      text("three"),
    );
    const done = await run(["exec", "--json", "go"]);
    assert.equal(done.code, 0, done.stderr);
    const ends = linesOf(done).filter(({ type, item }) => type === "item.completed" && item?.exit_code !== undefined);
    // The one that sleeps was started first and ends last.
    assert.equal(ends.at(-1)?.item?.command, "/bin/sh -c 'sleep 0.3'");
    const outputs = server.requests[1]!.input.filter(({ type }) => type === "function_call_output");
    assert.deepEqual(
      outputs.map(({ call_id }) => call_id),
      ["a", "b", "c"],
    );
    assert.match(server.requests[1]!.outputOf("c") ?? "", /^Exit code: 1\n[\s\S]*nothing-there/);
  });

  it("gives a command no input to wait for, and leaves nothing running behind it", async (t) => {
    const { place, server, start } = await openScene(t);
    const gate = hold();
    server.enqueue(call("exec_command", { cmd: "cat; sleep 60 & echo done" }, "c"), [gate, text("ok")]);
    const program = start(["exec", "go"]);
    await gate.reached;
    assert.deepEqual(place.processes(), [program.pid]);
    gate.release();
    const done = await program.ended;
    assert.deepEqual([done.code, done.stdout], [0, "ok\n"], done.stderr);
    const output = server.requests[1]!.outputOf("c") ?? "";
    assert.match(output, /^Exit code: 0\n[\s\S]*background were stopped[\s\S]*Output:\ndone\n$/);
  });

  it("tells the model of a call that makes no sense, and goes on", async (t) => {
    const { server, run } = await openScene(t);
    server.enqueue(
      [call("exec_command", '{"cmd": "ec', "broken"), call("frobnicate", { x: 1 }, "unknown")],
      text("I see."),
    );
    const done = await run(["exec", "--json", "go"]);
    assert.equal(done.code, 0, done.stderr);
    assert.match(server.requests[1]!.outputOf("broken") ?? "", /^the arguments are not valid JSON/);
    assert.match(server.requests[1]!.outputOf("unknown") ?? "", /^unsupported call: frobnicate/);
    const errors = linesOf(done).filter(({ item }) => item?.type === "error");
    assert.match(String(errors[0]?.item?.message), /^exec_command \(failed\): .*not valid JSON/);
    assert.match(String(errors[1]?.item?.message), /^frobnicate \(failed\): .*no such tool/);
  });
});

describe("belay exec takes its input and gives its output", { concurrency: 4 }, () => {
  it("writes the final message to the file of -o as well", async (t) => {
    const { place, server, run } = await openScene(t);
    server.enqueue(text("two\nlines"));
    const done = await run(["exec", "-o", "out.txt", "go"]);
    assert.deepEqual([done.code, done.stdout], [0, "two\nlines\n"], done.stderr);
    assert.equal(place.read("out.txt"), "two\nlines");
  });

  it("sends the schema of --output-schema and takes an answer that fits", async (t) => {
    const { place, server, run } = await openScene(t);
    const schema = {
      type: "object",
      properties: { n: { type: "integer" } },
      required: ["n"],
      additionalProperties: false,
    };
    place.write("schema.json", JSON.stringify(schema));
    server.enqueue(text('{"n":3}'));
    const done = await run(["exec", "--output-schema", "schema.json", "go"]);
    assert.deepEqual([done.code, done.stdout], [0, '{"n":3}\n'], done.stderr);
    const format = (server.requests[0]!.body.text as { format?: { type?: string; schema?: object } }).format;
    assert.equal(format?.type, "json_schema");
    assert.deepEqual(format?.schema, schema);
  });

  it("fails the turn when the answer does not fit the schema", async (t) => {
    const { place, server, run } = await openScene(t, { wire: "chat" });
    place.write("schema.json", JSON.stringify({ type: "object", properties: { n: { type: "integer" } } }));
    server.enqueue(text('{"n":"three"}'));
    const done = await run(["exec", "--json", "--output-schema", "schema.json", "go"]);
    assert.equal(done.code, 1);
    const last = linesOf(done).at(-1)!;
    assert.equal(last.type, "turn.failed");
    assert.match((last.error as { message: string }).message, /does not match --output-schema at \/n: /);
    const format = server.requests[0]!.body.response_format as { type?: string } | undefined;
    assert.equal(format?.type, "json_schema");
  });

  it("reads the prompt from stdin, whole, or appends what is piped in to the prompt", async (t) => {
    const { server, run } = await openScene(t);
    server.script(() => text("ok"));
    const cases = [
      { words: ["exec", "-"], stdin: "from stdin\n", prompt: "from stdin\n" },
      { words: ["exec"], stdin: "piped ünïcode", prompt: "piped ünïcode" },
      { words: ["exec", "look"], stdin: "a\nb", prompt: "look\n\n<stdin>\na\nb\n</stdin>" },
      { words: ["exec", "alone"], stdin: "", prompt: "alone" },
    ];
    await Promise.all(
      cases.map(async ({ words, stdin }, n) => {
        const done = await run([...words, "-m", `case-${n}`], { stdin });
        assert.equal(done.code, 0, done.stderr);
      }),
    );
    const prompts = cases.map((_, n) =>
      server.requests
        .find(({ body }) => body.model === `case-${n}`)
        ?.userTexts()
        .at(-1),
    );
    assert.deepEqual(
      prompts,
      cases.map(({ prompt }) => prompt),
    );
  });

  it("does not wait for a pipe that stays open and silent", async (t) => {
    const { server, start } = await openScene(t);
    server.enqueue(text("ok"));
    const done = await start(["exec", "go"], { stdin: "open" }).ended;
    assert.deepEqual([done.code, done.stdout], [0, "ok\n"]);
    assert.match(done.stderr, /nothing was piped in within 250 ms/);
  });

  for (const [wire, part] of [
    ["responses", { type: "input_image", key: "image_url" }],
    ["chat", { type: "image_url", key: "image_url" }],
  ] as const) {
    it(`sends the image of -i over the wire ${wire}`, async (t) => {
      const { place, server, run } = await openScene(t, { wire });
      place.write("dot.png", PNG);
      server.enqueue(text("a dot"));
      const done = await run(["exec", "-i", "dot.png", "what is it?"]);
      assert.deepEqual([done.code, done.stdout], [0, "a dot\n"], done.stderr);
      const content = server.requests[0]!.input.at(-1)?.content as Record<string, unknown>[];
      const image = content.find(({ type }) => type === part.type);
      const url = image?.[part.key] as string | { url: string };
      assert.equal(typeof url === "string" ? url : url.url, `data:image/png;base64,${PNG.toString("base64")}`);
    });
  }
});
