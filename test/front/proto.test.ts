import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Step } from "./fake-engine.js";
import { type Ended, makePlace, type Place, runProgram, startProgram } from "./run-program.js";

const input = (id: string, text = "hi") =>
  `${JSON.stringify({ id, op: { type: "user_input", items: [{ type: "text", text }] } })}\n`;
const events = ({ stdout }: Ended) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: string; msg: { type: string; message?: string } });
const hanging: Step[] = [{ type: "task_started" }, { type: "hang" }];

describe("belay proto", { concurrency: 4 }, () => {
  let place: Place;
  before(() => {
    place = makePlace();
  });
  after(() => place.remove());

  it("prints the events of what is submitted, with its id", async () => {
    const script: Step[] = [
      { type: "task_started" },
      { type: "exec_command_output_delta", call_id: "c", stream: "stdout", chunk: [104, 105] as unknown as Uint8Array },
      { type: "task_complete", last_agent_message: "done" },
    ];
    const { child, ended, seen } = startProgram(["proto"], { place, script });
    child.stdin.write(input("mine"));
    await seen("task_complete");
    child.stdin.end();
    const run = await ended;
    assert.deepEqual(
      events(run).map(({ id, msg }) => [id, msg.type]),
      [
        ["", "session_configured"],
        ["mine", "task_started"],
        ["mine", "exec_command_output_delta"],
        ["mine", "task_complete"],
      ],
    );
    assert.match(run.stdout, /"chunk":\[104,105\]/);
    assert.equal(run.code, 0);
  });

  it("stops the turn that runs at the end of stdin, and prints its end", async () => {
    const run = await runProgram(["proto"], { place, script: hanging, input: input("1") });
    assert.equal(events(run).at(-1)?.msg.type, "turn_aborted");
    assert.equal(run.code, 0);
  });

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    it(`stops the turn that runs on ${signal}`, async () => {
      const { child, ended, seen } = startProgram(["proto"], { place, script: hanging });
      child.stdin.write(input("1"));
      await seen("task_started");
      child.kill(signal);
      const run = await ended;
      assert.equal(events(run).at(-1)?.msg.type, "turn_aborted");
      assert.equal(run.code, code);
    });
  }

  it("answers bad lines, and goes on", async () => {
    const bad = [
      "no json\n",
      '{"id":"7","op":{"type":"user_input","items":[{"type":"text"}]}}\n',
      '{"id":8,"op":{"type":"interrupt"}}\n',
      "[]\n",
    ].join("");
    const bytes = Buffer.concat([Buffer.from(bad), Buffer.from([0xff, 0x0a]), Buffer.from(input("9"))]);
    const run = await runProgram(["proto"], {
      place,
      script: [{ type: "task_complete", last_agent_message: null }],
      input: bytes,
    });
    const errors = events(run).filter(({ msg }) => msg.type === "error");
    assert.deepEqual(
      errors.map(({ id }) => id),
      ["", "7", "", "", ""],
    );
    assert.match(errors[0]?.msg.message ?? "", /^invalid submission: not JSON/);
    assert.match(errors[1]?.msg.message ?? "", /^invalid submission: op\.items\[0\]\.text: /);
    assert.match(errors[4]?.msg.message ?? "", /not UTF-8/);
    assert.equal(run.stderr.match(/^belay: invalid submission: /gm)?.length, 5);
    assert.ok(events(run).some(({ id, msg }) => id === "9" && msg.type === "task_complete"));
    assert.equal(run.code, 0);
  });

  it("ends after a shutdown", async () => {
    const { child, ended } = startProgram(["proto"], { place });
    child.stdin.write('{"id":"s","op":{"type":"shutdown"}}\n');
    const run = await ended;
    assert.deepEqual(events(run).at(-1), { id: "s", msg: { type: "shutdown_complete" } });
    assert.equal(run.code, 0);
  });

  it("holds a flood back while nobody reads, and loses nothing of it", async () => {
    const count = 3000;
    const msg: Step = { type: "agent_message_delta", delta: "z".repeat(1000) };
    const script: Step[] = [
      { type: "flood", count, msg },
      { type: "task_complete", last_agent_message: null },
    ];
    const { child, ended, seen } = startProgram(["proto"], { place, script });
    child.stdout.pause();
    child.stdin.write(input("1"));
    await seen("[flood waits]");
    child.stdout.resume();
    await seen("task_complete");
    child.stdin.end();
    const run = await ended;
    assert.equal(events(run).filter((event) => event.msg.type === "agent_message_delta").length, count);
  });

  it("stops quietly when nobody reads stdout any more", async () => {
    const script: Step[] = [
      { type: "task_started" },
      { type: "flood", count: 5000, msg: { type: "agent_message_delta", delta: "z".repeat(1000) } },
      { type: "hang" },
    ];
    const { child, ended, seen } = startProgram(["proto"], { place, script });
    child.stdin.write(input("1"));
    await seen("task_started");
    child.stdout.destroy();
    const run = await ended;
    assert.equal(run.code, 141);
    // A busy machine may be late to close the pipe: then the engine has waited for a while.
    assert.equal(run.stderr.replaceAll("[flood waits]\n", ""), "[killed]\n");
  });

  it("says early that a key is missing, and runs", async () => {
    const run = await runProgram(["proto"], { place, env: { OPENAI_API_KEY: "" } });
    assert.match(run.stderr, /^belay: no API key .*OPENAI_API_KEY/);
    assert.equal(run.code, 0);
  });

  it("refuses a wrong configuration", async () => {
    const run = await runProgram(["proto", "-c", "model_provider=nope"], { place });
    assert.equal(run.code, 2);
    assert.match(run.stderr, /nope/);
  });
});
