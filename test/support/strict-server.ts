import { EventEmitter, once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isObject, type JsonObject, textOf } from "./model-server-checks.js";

/** A request as a provider sees it. */
export interface Asked {
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonObject;
  /** Messages (Chat) or input items (Responses). */
  readonly input: readonly JsonObject[];
}

/** What a provider answers to a request that breaks one of its rules. */
export interface Denial {
  readonly status: number;
  /** Its own words, as they stand in its error. */
  readonly words: string;
  readonly body: unknown;
}

export interface ToolUse {
  readonly name: string;
  /** As text where the model writes what is no JSON. */
  readonly args: JsonObject | string;
}

/** What the model has to say, told by each provider in its own way. */
export interface Answer {
  readonly thought?: string;
  readonly say?: string;
  readonly uses?: readonly ToolUse[];
  /** Tokens in all, where the provider counts. */
  readonly total?: number;
  /** Nothing comes after the text: the end never does. */
  readonly stalls?: true;
}

/** A provider: what it refuses, how it streams, and what it wants back. Made anew for each server: it remembers. */
export interface StrictProvider {
  /** Undefined where the request is right. */
  judge(asked: Asked): Denial | undefined;
  /** The pieces of an event stream. */
  tell(answer: Answer, asked: Asked): readonly string[];
  /** What it gave out to have it back, and has not seen again. */
  owed(): readonly string[];
  /** What it gave out that means nothing to anybody else, and that nobody else may see. */
  own(): readonly string[];
}

/** A model behind a strict provider, on loopback. A request that is refused takes nothing of the script. */
export interface StrictServer {
  readonly url: string;
  /** All requests, refused ones too. */
  readonly asked: readonly Asked[];
  /** The words of each refusal, in order. */
  readonly denied: readonly string[];
  /** Answers that nobody has asked for. */
  readonly left: number;
  readonly provider: StrictProvider;
  /** Resolves when an answer has stalled. */
  stalled(): Promise<void>;
  /** The next answers. */
  enqueue(...answers: readonly Answer[]): void;
  close(): Promise<void>;
}

/** The summary that every server gives when one is asked for: it is no part of a script. */
export const SUMMARY = "The user wanted four things, and three are done.";

/** The pieces behind a text, in every provider's stream: its ends, the reason, the usage. */
const UNTOLD = 4;

const ASKS_FOR_SUMMARY = /will be replaced by your summary/;

export async function startStrictServer(provider: StrictProvider): Promise<StrictServer> {
  const asked: Asked[] = [];
  const denied: string[] = [];
  const script: Answer[] = [];
  const stalls = new EventEmitter();
  const server = createServer((incoming, response) => {
    receive(incoming, response).catch((error: unknown) => {
      // A bug in here, or a client that left: the first must be seen, and the second ends the connection anyway.
      denied.push(`the strict server failed: ${String(error)}`);
      response.destroy();
    });
  });
  const receive = async (incoming: IncomingMessage, response: ServerResponse) => {
    const request = await read(incoming);
    asked.push(request);
    const denial = provider.judge(request);
    if (denial !== undefined) {
      denied.push(denial.words);
      response.writeHead(denial.status, { "content-type": "application/json" }).end(JSON.stringify(denial.body));
      return;
    }
    const answer = asksForSummary(request) ? { say: SUMMARY } : script.shift();
    if (answer === undefined) {
      denied.push("no answer is left in the script");
      response.writeHead(400).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const pieces = provider.tell(answer, request);
    for (const piece of answer.stalls === true ? pieces.slice(0, -UNTOLD) : pieces) {
      if (!response.write(piece)) await once(response, "drain");
    }
    if (answer.stalls === true) stalls.emit("stalled");
    else response.end();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    denied,
    get left() {
      return script.length;
    },
    provider,
    stalled: async () => void (await once(stalls, "stalled")),
    enqueue: (...answers) => void script.push(...answers),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function read(incoming: IncomingMessage): Promise<Asked> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const body: unknown = JSON.parse(Buffer.concat(parts).toString("utf8"));
  if (!isObject(body)) throw new Error("the body is no object");
  const list = body.messages ?? body.input;
  const input = Array.isArray(list) ? list.filter(isObject) : [];
  return { path: incoming.url ?? "", headers: incoming.headers, body, input };
}

function asksForSummary({ input }: Asked): boolean {
  return ASKS_FOR_SUMMARY.test(textOf(input.at(-1)?.content));
}

/** What a provider gives out once, and wants back as it was. */
export class Ledger {
  readonly #given = new Set<string>();
  readonly #seen = new Set<string>();

  give(text: string): string {
    this.#given.add(text);
    return text;
  }

  /** True where the text is one that was given out; it counts as come back. */
  take(text: unknown): boolean {
    if (typeof text !== "string" || !this.#given.has(text)) return false;
    this.#seen.add(text);
    return true;
  }

  owed(): string[] {
    return [...this.#given].filter((text) => !this.#seen.has(text));
  }
}
