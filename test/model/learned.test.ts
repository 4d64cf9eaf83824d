import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelRequest } from "../../src/model/index.js";
import type { Compat, ResponseItem } from "../../src/protocol/index.js";
import { status, text } from "../support/model-server.js";
import { collect, collectFailure, withModel } from "./model-fixture.js";

const refusal = (message: string) => status(400, { error: { message, type: "invalid_request_error" } });
const user = (said: string): ResponseItem => ({
  type: "message",
  role: "user",
  content: [{ type: "input_text", text: said }],
});
const said: ResponseItem = { type: "message", role: "assistant", content: [{ type: "output_text", text: "hm" }] };
const call: ResponseItem = { type: "function_call", name: "exec_command", arguments: "{}", call_id: "a" };
const output: ResponseItem = { type: "function_call_output", call_id: "a", output: "ok" };

type Body = Record<string, unknown> & { readonly messages?: readonly Record<string, unknown>[] };

interface Case {
  readonly wire: "chat" | "responses";
  readonly words: string;
  readonly request?: Partial<ModelRequest>;
  readonly compat?: Compat;
  /** What the second request has that the first had not, or the other way round. */
  readonly before: (body: Body) => boolean;
}

const CASES: Record<string, Case> = {
  "a field the server does not know": {
    wire: "chat",
    words: "Unrecognized request argument supplied: stream_options",
    before: (body) => "stream_options" in body,
  },
  "an effort the model does not take": {
    wire: "responses",
    words: "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
    request: { effort: "high", summary: "auto" },
    before: (body) => (body.reasoning as { effort?: string } | undefined)?.effort === "high",
  },
  "a template without a system role": {
    wire: "chat",
    words: "System role not supported",
    before: (body) => body.messages?.[0]?.role === "system",
  },
  "a template that wants roles in turn": {
    wire: "chat",
    words: "Conversation roles must alternate user/assistant/user/assistant/...",
    compat: { roles: "free" },
    request: { input: [user("a"), user("b")] },
    before: (body) => body.messages?.length === 3,
  },
  "a field of the body that another is in": {
    wire: "responses",
    words: "Unknown parameter: 'text'.",
    request: { verbosity: "low" },
    before: (body) => "text" in body,
  },
  "a field of items": {
    wire: "responses",
    words: "Unknown parameter: 'input[0].content[0].annotations'.",
    request: { input: [said] },
    before: (body) => JSON.stringify(body).includes("annotations"),
  },
  "roles in turn on the Responses wire": {
    wire: "responses",
    words: "Conversation roles must alternate user/assistant/user/assistant/...",
    request: { input: [user("a"), user("b")] },
    before: (body) => (body.input as unknown[]).length === 2,
  },
  "a role on the Responses wire": {
    wire: "responses",
    words: "Invalid value: 'developer'. Supported values are: 'user', 'assistant' and 'system'.",
    request: { input: [{ ...user("be kind"), role: "developer" } as ResponseItem] },
    before: (body) => JSON.stringify(body).includes('"developer"'),
  },
  "a role that is not named": {
    wire: "chat",
    words: "Unexpected message role.",
    before: (body) => body.messages?.[0]?.role === "system",
  },
  "signatures that are missing": {
    wire: "chat",
    words: "Function call is missing a thought_signature in functionCall parts.",
    request: { input: [user("go"), call, output] },
    before: (body) => !JSON.stringify(body).includes("thought_signature"),
  },
  "thoughts that are missing": {
    wire: "chat",
    words: "The `reasoning_content` in the thinking mode must be passed back to the API.",
    request: { input: [user("go"), call, output] },
    before: (body) => body.messages?.[2]?.reasoning_content === undefined,
  },
};

for (const [name, { wire, words, request, compat, before }] of Object.entries(CASES)) {
  test(`${name}: the request is repeated as it is wanted, the user is told, and it stays so`, async () => {
    await withModel({ wire, ...(compat === undefined ? {} : { provider: { compat } }) }, async ({ server, model }) => {
      const more = { input: [user("hi")], ...request };
      server.enqueue(refusal(words), text("ok"), text("again"));
      const events = await collect(model, more);
      const told = events.flatMap((event) => (event.type === "notice" ? [event.text] : []));
      assert.equal(told.length, 1);
      assert.ok(told[0]!.includes(words.slice(0, 30)), told[0]);
      await collect(model, more);
      assert.deepEqual(
        server.requests.map(({ body }) => before(body)),
        [true, false, false],
      );
    });
  });
}

test("the same refusal a second time, and what the user asked for in so many words, is the user's to see", async () => {
  await withModel({ wire: "chat" }, async ({ server, model }) => {
    const words = "Unrecognized request argument supplied: stream_options";
    server.enqueue(refusal(words), refusal(words));
    const { error } = await collectFailure(model);
    assert.ok(error.message.includes(words));
    assert.equal(server.requests.length, 2);
  });
  await withModel({ wire: "chat", provider: { extraBody: { top_k: 3 } } }, async ({ server, model }) => {
    server.enqueue(refusal("Unrecognized request argument supplied: top_k"));
    await collectFailure(model);
    assert.equal(server.requests.length, 1);
  });
});
