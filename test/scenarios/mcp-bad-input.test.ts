import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openMcp, textOf } from "../front/mcp-server/mcp-client.js";
import { text } from "../support/model-server.js";
import { openScene } from "../support/program.js";

const PING = '{"jsonrpc":"2.0","id":"after","method":"ping"}\n';

test("half a line, then the end: an answer, and a clean end", async (t) => {
  const { run } = await openScene(t);
  const { code, stdout, stderr } = await run(["mcp-server"], { stdin: '{"jsonrpc":"2.0","id":1,"method":"pi' });
  assert.deepEqual([code, stderr], [0, ""]);
  const { id, error } = JSON.parse(stdout);
  assert.deepEqual([id, error.code], [null, -32700]);
});

test("requests without a last line feed, and nobody who waits: all are answered before the end", async (t) => {
  const { run } = await openScene(t);
  const lines = [1, 2, 3].map((id) => JSON.stringify({ jsonrpc: "2.0", id, method: "tools/list" }));
  const { code, stdout } = await run(["mcp-server"], { stdin: lines.join("\n") });
  const answers = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual([code, answers.map(({ id }) => id)], [0, [1, 2, 3]]);
});

test("bytes that are no text, garbage, batches, answers to nothing, ids in use: one answer each, and it goes on", async (t) => {
  const client = await openMcp(t);
  client.program.stdin.write(
    Buffer.concat([Buffer.from('{"id":1,"method":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}\n')]),
  );
  client.program.stdin.write(
    'garbage{\n[{"jsonrpc":"2.0","id":1,"method":"ping"}]\n{"id":"no such","result":{}}\n\n\r\n',
  );
  client.program.stdin.write('{"jsonrpc":"2.0","id":{},"method":"ping"}\n');
  client.program.stdin.write(PING);
  await client.answer("after");
  assert.deepEqual(
    client.messages.map(({ id, error }) => [id, error?.code]),
    [
      [null, -32700],
      [null, -32700],
      [null, -32600],
      [null, -32600],
      ["after", undefined],
    ],
  );
  const call = JSON.stringify({ id: 1, method: "tools/call", params: { name: "codex", arguments: { prompt: "hi" } } });
  client.server.enqueue(text("once"));
  client.program.stdin.write(`${call}\n${call}\n`);
  const refused = await client.until((one) => one.id === 1 && one.error !== undefined);
  assert.match(refused.error?.message ?? "", /the id 1 is still being worked on/);
  assert.equal(textOf(await client.until((one) => one.id === 1 && one.result !== undefined)), "once");
  const ended = await client.finish();
  assert.deepEqual([ended.code, ended.stderr, client.server.requests.length], [0, "", 1]);
});

const ON_LINUX = process.platform === "linux" ? {} : { skip: "what a process has used is read from /proc" };

test("a line of 100 MB is answered, costs bounded memory, and the next line is read", ON_LINUX, async (t) => {
  const client = await openMcp(t);
  const piece = Buffer.alloc(1024 * 1024, "x");
  client.program.stdin.write('{"id":1,"method":"');
  for (let n = 0; n < 100; n += 1) {
    if (!client.program.stdin.write(piece)) await new Promise((resolve) => client.program.stdin.once("drain", resolve));
  }
  client.program.stdin.write(`"}\n${PING}`);
  await client.answer("after");
  const [long] = client.messages;
  assert.deepEqual([long?.id, long?.error?.code], [null, -32700]);
  assert.match(long?.error?.message ?? "", /104857\d{3} bytes/);
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${client.program.pid}/status`, "utf8"))?.[1]);
  assert.ok(peak < 300 * 1024, `${peak} kB`);
  assert.equal((await client.finish()).code, 0);
});

test("wrong settings of the user are told by each call, and cost nothing else", async (t) => {
  const client = await openMcp(t, { words: ["-c", "model_context_window=none"] });
  assert.equal((await client.request("tools/list")).result.tools.length, 2);
  const answer = await client.request("tools/call", { name: "codex", arguments: { prompt: "hi" } });
  assert.equal(answer.result.isError, true);
  assert.match(textOf(answer), /model_context_window/);
  assert.equal((await client.finish()).code, 0);
});

test("without a key a call says which variable is not set", async (t) => {
  const client = await openMcp(t, { env: { MOCK_API_KEY: undefined } });
  const answer = await client.request("tools/call", { name: "codex", arguments: { prompt: "hi" } });
  assert.equal(answer.result.isError, true);
  assert.match(textOf(answer), /MOCK_API_KEY/);
  await client.finish();
});

test("wrong usage, and help", async (t) => {
  const { run } = await openScene(t);
  const wrong = await run(["mcp-server", "--nope"]);
  assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
  const help = await run(["help", "mcp-server"]);
  assert.equal(help.code, 0);
  for (const word of ["mcp-server", "-c", "codex-reply", "stdin", "mcpServers"])
    assert.ok(help.stdout.includes(word), word);
  for (const line of help.stdout.split("\n")) assert.ok(line.length <= 130, line);
});
