import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ModelRequest, ToolSpec } from "../../src/model/index.js";
import type { MessageItem, ResponseItem } from "../../src/protocol/index.js";
import { text } from "../support/model-server.js";
import { isObject, type JsonObject } from "../support/model-server-checks.js";
import { collect, withModel } from "./model-fixture.js";

const OWN = { provider: "mock", model: "m1" };
const OTHER = { provider: "elsewhere", model: "m2" };
const PIXEL = `data:image/png;base64,${"iVBORw0KGgo=".repeat(2)}`;
const LONG = "x".repeat(85);

const call = (call_id: string, args: string) =>
  ({ type: "function_call", name: "exec_command", call_id, arguments: args }) as const;
const output = (call_id: string, out: string | { type: "input_image"; image_url: string }[]) =>
  ({ type: "function_call_output", call_id, output: out }) as const;
const said = (words: string): MessageItem => ({
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text: words }],
});

/** All that a history can hold: of the provider that is asked, of another, and of nobody known. */
const HISTORY: readonly ResponseItem[] = [
  { type: "message", role: "developer", content: [{ type: "input_text", text: "Permissions." }] },
  {
    type: "message",
    role: "user",
    content: [
      { type: "input_text", text: "Look at this \ud83d." },
      { type: "input_image", image_url: PIXEL },
      { type: "input_image", image_url: PIXEL, detail: "high" },
    ],
  },
  {
    type: "reasoning",
    id: "rs_1",
    summary: [{ type: "summary_text", text: "Hm." }],
    encrypted_content: "gAA",
    maker: OWN,
  },
  { ...said("On my way."), id: "msg_1", status: "completed", phase: "commentary", maker: OWN },
  { ...call("call_1", '{"cmd":"ls"}'), id: "fc_1", maker: OWN },
  output("call_1", "a file"),
  {
    type: "custom_tool_call",
    id: "ctc_1",
    name: "apply_patch",
    input: "*** Begin Patch",
    call_id: "call_2",
    maker: OWN,
  },
  { type: "custom_tool_call_output", call_id: "call_2", output: "Done" },
  { ...call("call_3", '{"path":"p.png"}'), name: "view image!", maker: OWN },
  output("call_3", [{ type: "input_image", image_url: PIXEL }]),
  { ...call("functions.exec_command:0", '{"cmd": "echo hi" "x"}'), id: LONG, maker: OTHER },
  output("functions.exec_command:0", ""),
  { ...call(LONG, ""), maker: OWN },
  output(LONG, "out"),
  { type: "message", role: "assistant", content: [{ type: "refusal", refusal: "No." }], maker: OWN },
  { type: "message", role: "user", content: [{ type: "input_text", text: "Go on." }] },
  {
    type: "reasoning",
    summary: [],
    content: [{ type: "reasoning_text", text: "Secret." }],
    sealed: { field: "reasoning_content" },
    maker: OTHER,
  },
  { ...said("A foreign word."), id: "019f-a-uuid", phase: "final_answer", maker: OTHER },
  { type: "reasoning", id: "rs_2", summary: [], content: [{ type: "reasoning_text", text: "Mine." }], maker: OWN },
  { ...said("Half of a"), status: "incomplete" },
  { type: "message", role: "user", content: [{ type: "input_text", text: "The end." }] },
];

/** What a Chat server of another kind than OpenAI gave, and gets back in fields of its own. */
const SEALED: readonly ResponseItem[] = [
  ...HISTORY,
  {
    type: "reasoning",
    summary: [],
    content: [{ type: "reasoning_text", text: "Hm." }],
    sealed: { field: "reasoning_content", reasoning_details: [{ type: "reasoning.encrypted", data: "gAA" }] },
    maker: OWN,
  },
  { ...call("call_5", "{}"), sealed: { extra_content: { google: { thought_signature: "sig" } } }, maker: OWN },
  output("call_5", "out"),
];
const EXTENSIONS = ["reasoning_content", "reasoning_details", "extra_content"];

const FUNCTIONS: readonly ToolSpec[] = [
  {
    type: "function",
    name: "exec_command",
    description: "Runs a command.",
    parameters: { type: "object", properties: { cmd: { type: "string" } }, required: ["cmd"] },
  },
];

const TOOLS: readonly ToolSpec[] = [
  ...FUNCTIONS,
  {
    type: "custom",
    name: "apply_patch",
    description: "Changes files.",
    format: { type: "grammar", syntax: "lark", definition: "start: /.+/" },
  },
];

const REQUEST: Partial<ModelRequest> = { input: HISTORY, tools: TOOLS };
const EVERYTHING: Partial<ModelRequest> = {
  ...REQUEST,
  effort: "high",
  summary: "auto",
  verbosity: "low",
  serviceTier: "priority",
  outputSchema: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] },
};

async function bodyOf(wire: "responses" | "chat", request: Partial<ModelRequest>): Promise<JsonObject> {
  let body: JsonObject = {};
  await withModel({ wire }, async ({ server, model }) => {
    server.enqueue(text("ok"));
    await collect(model, request);
    body = server.requests[0]!.body;
  });
  return body;
}

const TYPES = {
  responses: "OpenAI.Responses.ResponseCreateParamsStreaming",
  chat: "OpenAI.Chat.ChatCompletionCreateParamsStreaming",
} as const;

/** Without each field of that name, however deep. */
function without(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((one) => without(one, name));
  if (!isObject(value)) return value;
  const rest = Object.entries(value).filter(([key]) => key !== name);
  return Object.fromEntries(rest.map(([key, inner]) => [key, without(inner, name)]));
}

/** The names of the files in which the compiler finds a mistake, with its words. */
function compile(dir: string, names: readonly string[]): Map<string, string> {
  const flags = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--target",
    "es2023",
    "--module",
    "nodenext",
    "--pretty",
    "false",
  ];
  const files = names.map((name) => `${name}.ts`);
  const done = spawnSync(resolve("node_modules/.bin/tsc"), [...flags, "--types", "node", ...files], {
    cwd: dir,
    encoding: "utf8",
  });
  const found = new Map<string, string>();
  for (const line of done.stdout.split("\n")) {
    const name = /^(\S+)\.ts\(/.exec(line)?.[1];
    if (name !== undefined) found.set(name, `${found.get(name) ?? ""}${line}\n`);
  }
  assert.equal(done.status === 0, found.size === 0, done.stdout + done.stderr);
  return found;
}

describe("bodies have the types of the openai package", () => {
  const dir = mkdtempSync(join(tmpdir(), "belay-types-"));
  after(() => rmSync(dir, { recursive: true, force: true }));
  let mistakes = new Map<string, string>();
  let extended: JsonObject = {};
  const good = [
    "responses",
    "responses-everything",
    "responses-functions",
    "chat",
    "chat-everything",
    "chat-extensions",
  ];
  const bad = ["no-annotations", "no-detail", "no-id", "foreign-field", "chat-foreign-field", "chat-no-id"];

  before(async () => {
    mkdirSync(join(dir, "node_modules"));
    for (const name of ["openai", "@types"])
      symlinkSync(resolve("node_modules", name), join(dir, "node_modules", name));
    writeFileSync(join(dir, "package.json"), '{ "type": "module" }');
    const write = (name: string, wire: keyof typeof TYPES, body: unknown) => {
      const source = `import type OpenAI from "openai";\nexport const body = ${JSON.stringify(body, null, 1)} satisfies ${TYPES[wire]};\n`;
      writeFileSync(join(dir, `${name}.ts`), source);
    };
    const responses = await bodyOf("responses", REQUEST);
    write("responses", "responses", responses);
    write("responses-everything", "responses", await bodyOf("responses", EVERYTHING));
    write("responses-functions", "responses", await bodyOf("responses", { ...REQUEST, tools: FUNCTIONS }));
    const chat = await bodyOf("chat", REQUEST);
    write("chat", "chat", chat);
    write("chat-everything", "chat", await bodyOf("chat", EVERYTHING));
    extended = await bodyOf("chat", { ...REQUEST, input: SEALED });
    write("chat-extensions", "chat", EXTENSIONS.reduce<unknown>(without, extended));
    write("no-annotations", "responses", without(responses, "annotations"));
    write("no-detail", "responses", without(responses, "detail"));
    write("no-id", "responses", without(responses, "id"));
    write("foreign-field", "responses", { ...responses, input: [...(responses.input as object[]), FOREIGN_ITEM] });
    write("chat-foreign-field", "chat", { ...chat, messages: [{ role: "user", content: "x", maker: OWN }] });
    write("chat-no-id", "chat", without(chat, "id"));
    mistakes = compile(dir, [...good, ...bad]);
  });

  for (const name of good) it(name, () => assert.equal(mistakes.get(name), undefined));
  it("fields of other providers are there, and nothing else is", () => {
    const text = JSON.stringify(extended);
    for (const name of EXTENSIONS) assert.ok(text.includes(`"${name}":`), name);
    assert.doesNotMatch(text, /"(?:maker|sealed|phase|field)":/);
  });
  for (const name of bad) it(`the check sees a mistake: ${name}`, () => assert.ok(mistakes.has(name)));
});

const FOREIGN_ITEM = { ...call("call_9", "{}"), sealed: { field: "reasoning_content" } };
