import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Client as Client2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as Transport2 } from "@modelcontextprotocol/client/stdio";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Transport1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema, LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { call, hold, partial, stall, text } from "../support/model-server.js";
import { openScene, PROGRAM } from "../support/program.js";

type Params = Readonly<Record<string, unknown>>;

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onprogress?: (progress: { readonly progress: number; readonly message?: string | undefined }) => void;
}

interface Result {
  readonly content: readonly { readonly text: string }[];
  readonly structuredContent?: { readonly threadId: string; readonly content: string };
  readonly isError?: boolean;
}

/** What the test does with a client, whichever library it is of. */
interface Library {
  connect(server: { command: string; args: string[]; env: Record<string, string>; cwd: string }): Promise<{
    readonly server: unknown;
    lists(): Promise<readonly (readonly { readonly name: string }[])[]>;
    setLevel(level: "debug"): Promise<unknown>;
    callTool(params: { name: string; arguments: Params }, options?: CallOptions): Promise<Result>;
    close(): Promise<void>;
  }>;
}

/** What the client is told and asked. */
interface Ears {
  readonly elicited: Params[];
  readonly events: { readonly params: { readonly _meta: Params; readonly msg: { readonly type: string } } }[];
  readonly logs: string[];
  heard(): void;
}

const INFO = { name: "test", version: "1.0.0" };
const CAPABILITIES = { capabilities: { elicitation: {} } };

const libraries: Readonly<Record<string, (ears: Ears) => Library>> = {
  "@modelcontextprotocol/sdk 1.x": (ears) => ({
    connect: async (server) => {
      const client = new Client1(INFO, CAPABILITIES);
      client.setRequestHandler(ElicitRequestSchema, async ({ params }) => accept(ears, params));
      client.setNotificationHandler(
        LoggingMessageNotificationSchema,
        ({ params }) => void ears.logs.push(String(params.data)),
      );
      client.fallbackNotificationHandler = async (notification) => hear(ears, notification);
      await client.connect(new Transport1(server));
      return {
        server: client.getServerVersion(),
        lists: async () => [
          (await client.listTools()).tools,
          (await client.listResources()).resources,
          (await client.listResourceTemplates()).resourceTemplates,
          (await client.listPrompts()).prompts,
        ],
        setLevel: (level) => client.setLoggingLevel(level),
        callTool: async (params, options) => (await client.callTool(params, undefined, options)) as unknown as Result,
        close: () => client.close(),
      };
    },
  }),
  "@modelcontextprotocol/client 2.x": (ears) => ({
    connect: async (server) => {
      const client = new Client2(INFO, CAPABILITIES);
      client.setRequestHandler("elicitation/create", async ({ params }) => accept(ears, params));
      client.setNotificationHandler("notifications/message", ({ params }) => void ears.logs.push(String(params.data)));
      client.fallbackNotificationHandler = async (notification) => hear(ears, notification);
      await client.connect(new Transport2(server));
      return {
        server: client.getServerVersion(),
        // The others it would not ask for: the server says that it has none.
        lists: async () => [(await client.listTools()).tools],
        setLevel: (level) => client.setLoggingLevel(level),
        callTool: async (params, options) => (await client.callTool(params, options)) as unknown as Result,
        close: () => client.close(),
      };
    },
  }),
};

function accept(ears: Ears, params: object) {
  ears.elicited.push({ ...params });
  return { action: "accept" as const, content: {} };
}

function hear(ears: Ears, notification: { readonly method: string; readonly params?: unknown }): void {
  if (notification.method !== "codex/event") return;
  ears.events.push(notification as Ears["events"][number]);
  ears.heard();
}

for (const [name, open] of Object.entries(libraries)) {
  test(`${name}: list, call, progress, elicit, cancel, log`, async (t) => {
    await drive(t, open);
  });
}

async function drive(t: TestContext, open: (ears: Ears) => Library): Promise<void> {
  const { place, server } = await openScene(t);
  let look = () => {};
  const ears: Ears = { elicited: [], events: [], logs: [], heard: () => look() };
  const event = (type: string) =>
    new Promise<void>((resolve) => {
      look = () => void (ears.events.some(({ params }) => params.msg.type === type) && resolve());
      look();
    });
  const client = await open(ears).connect({
    command: process.execPath,
    args: [PROGRAM, "mcp-server"],
    env: { ...place.env },
    cwd: place.dir,
  });
  t.after(() => client.close());
  assert.equal((client.server as { name: string }).name, "belay-mcp-server");
  const [tools, ...empty] = await client.lists();
  assert.deepEqual(
    tools?.map((tool) => tool.name),
    ["codex", "codex-reply"],
  );
  assert.deepEqual(empty.flat(), []);
  await client.setLevel("debug");

  // Progress that comes right before the answer may be dropped by the client: the model waits for the first one to be heard.
  const gate = hold();
  server.enqueue([gate, text("Hello.")]);
  const progress: (string | undefined)[] = [];
  const first = await client.callTool(
    { name: "codex", arguments: { prompt: "hi" } },
    {
      onprogress: ({ message }) => {
        progress.push(message);
        gate.release();
      },
    },
  );
  const { threadId } = first.structuredContent!;
  assert.deepEqual([first.content[0]?.text, first.structuredContent?.content], ["Hello.", "Hello."]);
  assert.deepEqual(progress, ["the turn has begun", "Hello."].slice(0, progress.length));
  assert.deepEqual(ears.events.at(-1)?.params.msg.type, "task_complete");
  assert.deepEqual(ears.events.at(-1)?.params._meta.threadId, threadId);
  assert.ok(ears.logs.some((line) => line.includes(threadId)));

  server.enqueue(call("shell", { command: ["touch", "made"] }, "c"), text("Made."));
  const untrusted = { "approval-policy": "untrusted", sandbox: "danger-full-access" };
  const second = await client.callTool({ name: "codex", arguments: { prompt: "make", ...untrusted } });
  assert.equal(second.content[0]?.text, "Made.");
  assert.ok(existsSync(join(place.dir, "made")));
  assert.deepEqual(
    ears.elicited.map(({ message }) => message),
    [`Run touch made in ${place.dir}?`],
  );

  server.enqueue([partial("On"), stall()]);
  const controller = new AbortController();
  ears.events.length = 0;
  const cut = client.callTool(
    { name: "codex-reply", arguments: { threadId, prompt: "on" } },
    { signal: controller.signal },
  );
  const rejected = assert.rejects(cut);
  await event("agent_message_delta");
  controller.abort("enough");
  await rejected;
  await event("turn_aborted");

  server.enqueue(text("Still here."));
  const last = await client.callTool({ name: "codex-reply", arguments: { threadId, prompt: "again" } });
  assert.equal(last.content[0]?.text, "Still here.");
  const wrong = await client.callTool({ name: "codex-reply", arguments: { threadId: "nope", prompt: "again" } });
  assert.equal(wrong.isError, true);
  await client.close();
  await place.quiet();
}
