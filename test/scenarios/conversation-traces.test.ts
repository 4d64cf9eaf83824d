import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { WireMessage } from "../support/conversation-checker.js";
import { call, type Reply, stall, text } from "../support/model-server.js";
import { openScene, type Scene } from "../support/program.js";
import { WAIT_LIMIT_MS } from "../support/waiting.js";
import { faultOf } from "../support/wire-schema.js";

/**
 * Exchanges of a client with `codex mcp` 0.23.0, as recorded, and what Belay answers to the same client. An entry is what is
 * sent, or what comes back: `reply`, `event`, `asks` (a request of the server). Where Belay differs, both are there, with the
 * line of docs/protocol.md. `model`: so many requests have reached the model. `<C1>`, `<S1>`: ids of conversations and subscriptions.
 */
interface Fixture {
  readonly files: Readonly<Record<string, string>>;
  /** `a` is committed, pushed and changed, and there is a new file. */
  readonly pushed?: boolean;
  readonly model: readonly { text?: string; stall?: true; call?: string; args?: object; id?: string }[];
  readonly exchange: readonly Entry[];
}

type Entry =
  | Sent
  | Expected
  | { readonly model: number }
  | { readonly differs: string; readonly codex: Expected[]; readonly belay: Expected[] };
type Sent = { readonly send: object };
type Expected = {
  readonly reply?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: object;
  readonly event?: string;
  readonly id?: string | number;
  /** Those that Codex sends; more are allowed. */
  readonly fields?: readonly string[];
  readonly asks?: string;
  readonly params?: readonly string[];
};

const FOLDER = "test/fixtures/conversations";
const DOCUMENTED = readFileSync("docs/protocol.md", "utf8");

describe("exchanges with codex mcp 0.23.0", () => {
  for (const file of readdirSync(FOLDER).sort()) {
    test(file, async (t) => {
      const fixture = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Fixture;
      const scene = await openScene(t);
      prepare(fixture, scene);
      await replay(fixture, scene);
    });
  }
});

function prepare({ files, pushed, model }: Fixture, { place, server }: Scene): void {
  for (const [name, content] of Object.entries(files)) place.write(name, content);
  server.enqueue(...model.map(replyOf));
  if (pushed !== true) return;
  const git = (...args: string[]) => execFileSync("git", args, { cwd: place.dir, stdio: "ignore" });
  const remote = join(place.tmp, "remote.git");
  git("init", "--quiet", "--bare", remote);
  place.write("a", "a\n");
  git("add", "a");
  git("commit", "--quiet", "-m", "one");
  git("remote", "add", "origin", remote);
  git("push", "--quiet", "origin", "HEAD");
  appendFileSync(join(place.dir, "a"), "b\n");
  place.write("untracked", "new\n");
}

function replyOf({ text: said, call: name, args, id }: Fixture["model"][number]): Reply {
  if (said !== undefined) return text(said);
  return name === undefined ? stall() : call(name, args, id);
}

async function replay({ exchange }: Fixture, scene: Scene): Promise<void> {
  const { place, start } = scene;
  const program = start(["mcp-server"], { stdin: "open" });
  const stream = new ServerStream(program.onLine);
  const names = new Map([["<CWD>", place.dir]]);
  const concrete = (value: object) =>
    JSON.parse(JSON.stringify(value).replace(/<[CS]\d>|<CWD>/g, (name) => names.get(name) ?? name)) as object;
  for (const entry of exchange) {
    if ("send" in entry) {
      program.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...concrete(entry.send) })}\n`);
      continue;
    }
    if ("model" in entry) {
      while (scene.server.requests.length < entry.model) await scene.server.nextRequest();
      continue;
    }
    if ("differs" in entry) assert.ok(DOCUMENTED.includes(entry.differs), `not in docs/protocol.md: ${entry.differs}`);
    for (const expected of "differs" in entry ? entry.belay : [entry]) {
      const message = await stream.next(expected);
      for (const [key, name] of Object.entries(expected.result ?? {})) {
        if (/^<[CS]\d>$/.test(String(name))) names.set(String(name), String(message.result?.[key]));
      }
      check(message, concrete(expected));
    }
  }
  program.stdin.end();
  const { code, stderr } = await program.ended;
  assert.deepEqual({ code, stderr, rest: stream.rest() }, { code: 0, stderr: "", rest: [] });
}

function check(message: WireMessage, expected: Expected): void {
  const { id, method, params, result, error } = message;
  const what = `${JSON.stringify(message)} for ${JSON.stringify(expected)}`;
  if (expected.event !== undefined) {
    assert.equal(method, `codex/event/${expected.event}`, what);
    assert.equal(params?.id, expected.id, what);
    const msg = params?.msg as Record<string, unknown>;
    for (const field of expected.fields ?? []) assert.ok(Object.hasOwn(msg, field), `${field}: ${what}`);
    assert.equal(faultOf("codex/event.params", params), "", what);
  } else if (expected.asks !== undefined) {
    assert.deepEqual([method, id], [expected.asks, expected.id], what);
    for (const field of expected.params ?? []) assert.ok(Object.hasOwn(params ?? {}, field), `${field}: ${what}`);
    assert.equal(faultOf(`${method}.params`, params), "", what);
  } else {
    assert.deepEqual([method, id, error], [undefined, expected.reply, expected.error], what);
    for (const [key, value] of Object.entries(expected.result ?? {})) {
      if (value !== "<SHA>") assert.deepEqual(result?.[key], value, what);
    }
  }
}

/** What the server sends, deltas of one kind in a row as one. */
class ServerStream {
  readonly #messages: WireMessage[] = [];
  #wake: () => void = () => {};
  #last: string | undefined;

  constructor(onLine: (listener: (line: string) => void) => void) {
    onLine((line) => {
      const message = JSON.parse(line) as WireMessage;
      const isMore = message.method?.endsWith("_delta") === true && message.method === this.#last;
      this.#last = message.method;
      if (!isMore) this.#messages.push(message);
      this.#wake();
    });
  }

  async next(expected: Expected): Promise<WireMessage> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, WAIT_LIMIT_MS);
    while (this.#messages.length === 0 && !isLate) await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(timer);
    const message = this.#messages.shift();
    assert.ok(message !== undefined, `no message for ${JSON.stringify(expected)}`);
    return message;
  }

  rest(): WireMessage[] {
    return this.#messages;
  }
}
