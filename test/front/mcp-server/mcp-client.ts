import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { ModelServer } from "../../support/model-server.js";
import {
  type Ended,
  openScene,
  type Place,
  type Program,
  type Scene,
  type StartOptions,
} from "../../support/program.js";
import { Lookout } from "../../support/waiting.js";

export type Id = string | number | null;

/** A message of the server's, as loose as JSON is. */
export interface Message {
  readonly id?: Id;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks at is not known here.
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string };
}

/** `belay mcp-server` under test, driven line by line. */
export interface McpClient {
  readonly program: Program;
  readonly place: Place;
  readonly server: ModelServer;
  /** All that came, in order. */
  readonly messages: readonly Message[];
  /** Writes messages in one go. */
  send(...messages: readonly object[]): void;
  /** Sends a request under the next number, or the id given, and waits for its answer. */
  request(method: string, params?: object, id?: Id): Promise<Message>;
  /** The answer to a request, past or to come. */
  answer(id: Id): Promise<Message>;
  /** The first message, past or to come, that fits; fails after 10 s. */
  until(fits: (message: Message) => boolean, what?: string): Promise<Message>;
  /** The first event of that type, past or to come. */
  event(type: string, fits?: (message: Message) => boolean): Promise<Message>;
  /** The types of the events sent under a request, deltas in a row as one. */
  types(requestId: Id): string[];
  /** Shakes hands; with elicitation unless told otherwise. */
  initialize(capabilities?: object): Promise<Message>;
  /** Ends stdin (unless the run has ended), and checks what holds for every run. */
  finish(): Promise<Ended>;
}

export async function openMcp(
  t: TestContext,
  options: {
    readonly scene?: Scene;
    readonly words?: readonly string[];
    readonly top?: string;
    env?: StartOptions["env"];
  } = {},
): Promise<McpClient> {
  const scene = options.scene ?? (await openScene(t, options.top === undefined ? {} : { top: options.top }));
  const program = scene.start(["mcp-server", ...(options.words ?? [])], { stdin: "open", env: options.env ?? {} });
  const messages: Message[] = [];
  const asked: Id[] = [];
  const lookout = new Lookout(() => messages.map(shortly).join(", "));
  let nextId = 1000;
  program.onLine((line) => {
    messages.push(JSON.parse(line) as Message);
    lookout.look();
  });
  const until = (fits: (message: Message) => boolean, what = "such message") =>
    lookout.until({ what, find: () => messages.find(fits) });
  const send = (...all: readonly object[]) => {
    for (const message of all) {
      if ("method" in message && "id" in message) asked.push(message.id as Id);
    }
    program.stdin.write(all.map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`).join(""));
  };
  const answer = (id: Id) => until((one) => one.id === id && one.method === undefined, `answer to ${id}`);
  const client: McpClient = {
    program,
    place: scene.place,
    server: scene.server,
    messages,
    send,
    request: (method, params, id) => {
      const given = id ?? nextId++;
      send({ id: given, method, ...(params === undefined ? {} : { params }) });
      return answer(given);
    },
    answer,
    until,
    event: (type, fits = () => true) =>
      until((one) => one.method === "codex/event" && one.params.msg.type === type && fits(one), `event ${type}`),
    types: (requestId) => {
      const types = messages
        .filter((one) => one.method === "codex/event" && one.params._meta.requestId === requestId)
        .map((one) => one.params.msg.type as string);
      return types.filter((type, at) => !(type.endsWith("_delta") && types[at - 1] === type));
    },
    initialize: async (capabilities = { elicitation: {} }) => {
      const params = { protocolVersion: "2025-06-18", capabilities, clientInfo: { name: "test", version: "1" } };
      const answered = await client.request("initialize", params, 0);
      send({ method: "notifications/initialized" });
      return answered;
    },
    finish: async () => {
      program.stdin.end();
      const ended = await program.ended;
      checkEvents(messages);
      for (const id of asked) {
        const answers = messages.filter((one) => one.id === id && one.method === undefined);
        assert.ok(answers.length <= 1, `request ${id} has ${answers.length} answers`);
      }
      return ended;
    },
  };
  return client;
}

/** Per request: its events are of one conversation, and none comes after the terminal one or after the answer. */
function checkEvents(messages: readonly Message[]): void {
  const ended = new Map<Id, string>();
  for (const message of messages) {
    // A request whose id is in use is refused with an error, and the other one goes on.
    if (message.result !== undefined && message.id !== undefined) ended.set(message.id, "answered");
    if (message.method !== "codex/event") continue;
    const { _meta, msg } = message.params;
    assert.equal(
      ended.get(_meta.requestId),
      undefined,
      `${msg.type} of request ${_meta.requestId} comes after its end`,
    );
    if (msg.type === "task_complete" || msg.type === "turn_aborted") ended.set(_meta.requestId, msg.type);
  }
}

function shortly(message: Message): string {
  if (message.method === "codex/event") return `${message.params._meta.requestId}:${message.params.msg.type}`;
  return message.method ?? `answer ${message.id}`;
}

/** The text of a tool's result. */
export function textOf(answer: Message): string {
  return answer.result.content.map((block: { text: string }) => block.text).join("\n");
}
