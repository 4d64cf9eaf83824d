import assert from "node:assert/strict";
import { test } from "node:test";
import { Peer, PeerClosed } from "../../src/rpc/index.js";
import fc from "../support/fast-check.js";
import { type Answer, anything } from "./wire.js";

const RUNS = process.env.BELAY_SOAK === undefined ? 300 : 20_000;

type Act =
  | { readonly type: "request"; readonly method: "now" | "throws" | "later" | "nope"; readonly id: number }
  | { readonly type: "garbage"; readonly bytes: Uint8Array }
  | { readonly type: "settle" | "cancel" | "reply"; readonly which: number }
  | { readonly type: "ask" | "slow" | "fast" | "breathe" };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("request" as const),
      method: fc.constantFrom("now", "throws", "later", "nope"),
      id: fc.nat(12),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("garbage" as const),
      bytes: fc
        .uint8Array({ minLength: 1, maxLength: 80, size: "max" })
        .map((bytes) => bytes.map((byte) => (byte === 10 ? 11 : byte))),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom("settle" as const, "cancel" as const, "reply" as const),
      which: fc.nat(12),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom("ask" as const, "slow" as const, "fast" as const, "breathe" as const),
    }),
  },
);

/** What one side has done and seen; every fault ends in `check`. */
class Session {
  readonly peer: Peer;
  readonly written: Answer[] = [];
  /** Ids in the order their handlers were called, and as they should be. */
  readonly called: number[] = [];
  readonly sent: { readonly id: number; readonly method: string }[] = [];
  /** Handlers at work, oldest first. */
  readonly open: { readonly id: number; settle(): void }[] = [];
  /** Ids in the order their handlers have settled, or answered at once. */
  readonly made: number[] = [];
  readonly cancelled: number[] = [];
  readonly asked: Promise<unknown>[] = [];
  /** Requests of the peer's own that nobody has answered. */
  readonly unanswered: number[] = [];
  #stall: { readonly promise: Promise<void>; readonly release: () => void } | undefined;
  /** Bytes on their way, cut anywhere. */
  #bytes: Buffer[] = [];

  constructor() {
    this.peer = new Peer({
      output: {
        write: (text) => {
          assert.ok(text.endsWith("\n") && !text.slice(0, -1).includes("\n"));
          this.written.push(JSON.parse(text) as Answer);
          return this.#stall?.promise;
        },
      },
      limits: { lineBytes: 30, owedAnswers: Number.MAX_SAFE_INTEGER },
    });
    const method = (name: string, run: (id: number, signal: AbortSignal) => unknown) =>
      this.peer.handle(name, {
        decode: anything,
        run: (_, { id, signal }) => {
          this.called.push(id as number);
          return run(id as number, signal);
        },
      });
    method("now", (id) => this.#made(id));
    method("throws", (id) => {
      this.#made(id);
      throw new Error("thrown");
    });
    method("later", (id, signal) => this.#later(id, signal));
  }

  #made(id: number): string {
    this.made.push(id);
    return "done";
  }

  #later(id: number, signal: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const leave = (then: () => void) => () => {
        this.open.splice(this.open.indexOf(one), 1);
        if (!this.cancelled.includes(id)) this.made.push(id);
        then();
      };
      const one = { id, settle: leave(() => resolve("done")) };
      this.open.push(one);
      signal.addEventListener(
        "abort",
        leave(() => reject(signal.reason)),
        { once: true },
      );
    });
  }

  async do(one: Act, cut: number): Promise<void> {
    switch (one.type) {
      case "request":
        this.sent.push(one);
        return this.line(Buffer.from(`{"id":${one.id},"method":"${one.method}"}`), cut);
      case "garbage":
        this.sent.push({ id: -1, method: "garbage" });
        return this.line(Buffer.from([0x5d, ...one.bytes]), cut);
      case "settle":
        return this.open[one.which % Math.max(1, this.open.length)]?.settle();
      case "cancel":
        return this.#cancel(one.which);
      case "reply": {
        const [id] = this.unanswered.splice(one.which % Math.max(1, this.unanswered.length), 1);
        return this.line(Buffer.from(`{"id":${id ?? 999},"result":1}`), cut);
      }
      case "ask":
        this.unanswered.push(this.asked.length);
        this.asked.push(this.peer.request("ask", {}, { signal: new AbortController().signal }));
        return;
      case "slow":
        this.#stall ??= stalled();
        return;
      case "fast":
        this.#stall?.release();
        this.#stall = undefined;
        return;
      default:
        await this.deliver();
        await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The other side has sent a line; it arrives in two pieces, the second some time later. */
  async line(line: Buffer, cut: number): Promise<void> {
    const bytes = Buffer.concat([line, Buffer.from("\n")]);
    this.#bytes.push(bytes.subarray(0, cut % bytes.length));
    await this.deliver();
    this.#bytes.push(bytes.subarray(cut % bytes.length));
  }

  async deliver(): Promise<void> {
    const chunk = Buffer.concat(this.#bytes.splice(0));
    if (chunk.length > 0) await this.peer.receive(chunk);
  }

  /** As a notification would. */
  async #cancel(which: number): Promise<void> {
    await this.deliver();
    const one = this.open[which % Math.max(1, this.open.length)];
    if (one === undefined) return;
    this.cancelled.push(one.id);
    assert.equal(this.peer.cancel(one.id), true);
    // Its id is free again once the handler has settled.
    await new Promise((resolve) => setImmediate(resolve));
    this.cancelled.pop();
    this.silent += 1;
  }

  /** Requests that were cancelled. */
  silent = 0;

  async end(): Promise<void> {
    this.#stall?.release();
    this.#stall = undefined;
    await this.deliver();
    const outcomes = Promise.allSettled(this.asked);
    await this.peer.close();
    const hanging = new Set(this.unanswered);
    for (const [n, outcome] of (await outcomes).entries()) {
      if (hanging.has(n)) assert.ok(outcome.status === "rejected" && outcome.reason instanceof PeerClosed);
      else assert.equal(outcome.status, "fulfilled");
    }
  }

  check(): void {
    const answers = this.written.filter((one) => one.method === undefined);
    assert.equal(
      answers.length + this.silent,
      this.sent.length,
      "each request has one answer, each cancelled one none",
    );
    const unknown = this.sent.filter(({ method }) => method === "nope" || method === "garbage").length;
    const refused = answers.filter(({ error }) => [-32601, -32700].includes(error?.code ?? 0)).length;
    assert.equal(refused, unknown);
    const duplicates = answers.filter(({ error }) => error?.code === -32600).length;
    const known = this.sent.filter(({ method }) => method !== "nope" && method !== "garbage").map(({ id }) => id);
    assert.equal(this.called.length, known.length - duplicates);
    assert.ok(isWithin(this.called, known), "handlers are called in the order of their requests");
    const made = answers.filter(
      ({ result, error }) => result === "done" || [-32603, -32000].includes(error?.code ?? 0),
    );
    assert.deepEqual(
      made.map(({ id }) => id),
      this.made,
      "answers leave in the order they are made",
    );
  }
}

function stalled() {
  let release = () => {};
  const promise = new Promise<void>((resolve) => (release = resolve));
  return { promise, release };
}

/** The part stands in the whole in that order, with others in between. */
function isWithin(part: readonly number[], whole: readonly number[]): boolean {
  let at = 0;
  for (const one of whole) if (one === part[at]) at += 1;
  return at === part.length;
}

test(`every request has one answer, in order, whatever happens (${RUNS} runs)`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(act, fc.nat(60)), { maxLength: 60 }), async (acts) => {
      const session = new Session();
      for (const [one, cut] of acts) await session.do(one, cut);
      await session.end();
      session.check();
    }),
    { numRuns: RUNS },
  );
});

test("bytes of any kind get answers of the right form, and nothing else", () => {
  const piece = fc.oneof(
    fc.json().map(Buffer.from),
    fc.uint8Array({ maxLength: 20 }).map(Buffer.from),
    fc.constant(Buffer.from("\n")),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const lines: string[] = [];
      const peer = new Peer({ output: { write: (text) => void lines.push(text) } });
      for (const bytes of pieces) void peer.receive(bytes);
      peer.end();
      for (const line of lines) {
        const { error, ...rest } = JSON.parse(line) as Answer & { jsonrpc: string };
        assert.ok([-32700, -32600, -32601].includes(error?.code ?? 0));
        assert.deepEqual(Object.keys(rest), ["id", "jsonrpc"]);
      }
    }),
  );
});
