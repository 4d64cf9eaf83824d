import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Peer, PeerClosed, type RequestContext, RpcError } from "../../src/rpc/index.js";
import { anything, openWire } from "./wire.js";

const forever = new AbortController().signal;

/** Lets what has settled be told. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("requests of the other side", () => {
  test("are answered with their ids as they came", () => {
    const wire = openWire();
    wire.peer.handle("echo", { decode: anything, run: (params) => params });
    const ids = ['"a"', "1", '"1"', "0", "-3", "1.5", "null", "12345678901234567890", '"\\u0000"', "1e400", "-1.50E+3"];
    for (const id of ids) {
      wire.say(`{"jsonrpc":"2.0","params":{"id":[{"id":2}]},"id" : ${id} ,"method":"echo"}`);
      assert.equal(wire.lines.at(-1), `{"id":${wire.canonical(id)},"jsonrpc":"2.0","result":{"id":[{"id":2}]}}`);
    }
  });

  test("reach their handlers in the order read; answers leave in the order made", async () => {
    const wire = openWire();
    const called: unknown[] = [];
    const settle = new Map<unknown, (value: unknown) => void>();
    wire.peer.handle("now", {
      decode: anything,
      run: (_, { id }) => {
        called.push(id);
        void wire.peer.notify("told", id);
        return `now ${id}`;
      },
    });
    wire.peer.handle("later", {
      decode: anything,
      run: (_, { id }) => {
        called.push(id);
        return new Promise((resolve) => settle.set(id, resolve));
      },
    });
    const line = (id: number, method: string) => `{"id":${id},"method":"${method}"}\n`;
    void wire.peer.receive(Buffer.from(line(1, "later") + line(2, "now") + line(3, "later") + line(4, "now")));
    assert.deepEqual(called, [1, 2, 3, 4]);
    // What a handler returns at once is answered before the next request is looked at.
    assert.deepEqual(
      wire.messages().map(({ result, params }) => result ?? params),
      [2, "now 2", 4, "now 4"],
    );
    settle.get(3)?.("third");
    settle.get(1)?.("first");
    void wire.peer.notify("told", "after");
    await settled();
    assert.deepEqual(
      wire
        .messages()
        .slice(4)
        .map(({ id, params }) => id ?? params),
      ["after", 3, 1],
    );
  });

  test("that can't be answered are refused with their code", async () => {
    const wire = openWire({ limits: { inFlight: 2 } });
    wire.peer.handle("strict", { decode: () => ({ ok: false, message: "a.b: it is missing" }), run: () => 1 });
    wire.peer.handle("hang", { decode: anything, run: () => new Promise(() => {}) });
    wire.peer.handle("wrong", {
      decode: anything,
      run: () => fail(new RpcError(-32600, "no such thing", { more: 1 })),
    });
    wire.peer.handle("late", { decode: anything, run: async () => fail(new RpcError(5, "late")) });
    wire.peer.handle("broken", { decode: anything, run: () => fail(new TypeError("oh")) });
    const error = (line: string) => wire.ask(line).error;
    assert.deepEqual(error('{"id":1,"method":"nope"}'), { code: -32601, message: "unknown method: nope" });
    assert.deepEqual(error('{"id":1,"method":"toString"}')?.code, -32601);
    assert.deepEqual(error('{"id":1,"method":"strict"}'), {
      code: -32602,
      message: "invalid params: a.b: it is missing",
    });
    assert.deepEqual(error('{"id":1,"method":"wrong"}'), { code: -32600, message: "no such thing", data: { more: 1 } });
    assert.deepEqual(wire.faults, []);
    assert.deepEqual(error('{"id":1,"method":"broken"}'), { code: -32603, message: "internal error: oh" });
    assert.equal(wire.faults.length, 1);
    wire.say('{"id":1,"method":"late"}');
    await settled();
    assert.deepEqual(wire.messages().at(-1)?.error, { code: 5, message: "late" });

    wire.say('{"id":1,"method":"hang"}');
    assert.deepEqual(error('{"id":1,"method":"hang"}'), {
      code: -32600,
      message: "a request with the id 1 is still being worked on",
    });
    const count = wire.lines.length;
    wire.say('{"id":"1","method":"hang"}');
    assert.equal(wire.lines.length, count, "a string is another id than a number");
    assert.equal(error('{"id":2,"method":"hang"}')?.code, -32000);
  });

  test("that are cancelled are aborted and get no answer, whatever the handler does then", async () => {
    const wire = openWire();
    const contexts: RequestContext[] = [];
    let finish: (value: unknown) => void = () => {};
    wire.peer.handle("obedient", {
      decode: anything,
      run: (_, context) => {
        contexts.push(context);
        return new Promise((_resolve, reject) => {
          context.signal.addEventListener("abort", () => reject(context.signal.reason));
        });
      },
    });
    wire.peer.handle("deaf", { decode: anything, run: () => new Promise((resolve) => (finish = resolve)) });
    wire.say('{"id":"a","method":"obedient"}');
    wire.say('{"id":2,"method":"deaf"}');
    assert.deepEqual(
      [wire.peer.cancel("a"), wire.peer.cancel("a"), wire.peer.cancel("2"), wire.peer.cancel(2)],
      [true, false, false, true],
    );
    assert.equal(contexts[0]?.signal.aborted, true);
    finish(1);
    await settled();
    assert.deepEqual(wire.lines, []);
    wire.say('{"id":2,"method":"deaf"}');
    finish(2);
    await settled();
    assert.deepEqual(wire.messages(), [{ jsonrpc: "2.0", id: 2, result: 2 }]);
  });
});

function fail(error: Error): never {
  throw error;
}

describe("what is no message", () => {
  const lines: readonly (readonly [string, string | Uint8Array, number, unknown])[] = [
    ["garbage", "garbage{", -32700, null],
    ["half a line", '{"id":1,"method":', -32700, null],
    ["bytes that are no text", Buffer.from([0x7b, 0xff, 0x7d]), -32700, null],
    ["a line that is too long", `{"id":1,"method":"${"x".repeat(200)}"}`, -32700, null],
    ["a batch", '[{"id":1,"method":"ping"},{"id":2,"method":"ping"}]', -32600, null],
    ["an empty batch", "[]", -32600, null],
    ["a number", "5", -32600, null],
    ["null", "null", -32600, null],
    ["nothing in it", "{}", -32600, null],
    ["an id alone", '{"id":3}', -32600, 3],
    ["an answer without an id", '{"result":{}}', -32600, null],
    ["an id that is a list", '{"id":[1],"method":"ping"}', -32600, null],
    ["an id that is true", '{"id":true,"method":"ping"}', -32600, null],
    ["a method that is a number", '{"id":"x","method":5}', -32600, "x"],
    ["an older version", '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600, 1],
  ];
  for (const [what, line, code, id] of lines) {
    test(`${what} has one answer, and the stream goes on`, () => {
      const wire = openWire({ limits: { lineBytes: 100 } });
      wire.peer.handle("ping", { decode: anything, run: () => "pong" });
      wire.say(line);
      wire.say('{"id":9,"method":"ping"}');
      const [first, second, ...rest] = wire.messages();
      assert.deepEqual([first?.error?.code, first?.id], [code, id]);
      assert.deepEqual([second?.id, second?.result, rest], [9, "pong", []]);
    });
  }

  test("what stands after the last line feed is read when the stream ends", () => {
    for (const [text, expected] of [
      ['{"id":1,"method":"ping"}', "pong"],
      ['{"id":1,"meth', -32700],
    ] as const) {
      const wire = openWire();
      wire.peer.handle("ping", { decode: anything, run: () => "pong" });
      void wire.peer.receive(Buffer.from(text));
      assert.deepEqual(wire.lines, []);
      wire.peer.end();
      wire.peer.end();
      assert.deepEqual(
        wire.messages().map(({ result, error }) => result ?? error?.code),
        [expected],
      );
      wire.say('{"id":2,"method":"ping"}');
      assert.equal(wire.lines.length, 1, "after its end nothing is read");
    }
  });
});

test("notifications are never answered, not even wrong ones", () => {
  const wire = openWire();
  const seen: unknown[] = [];
  wire.peer.onNotification("note", {
    decode: (params) => (params === 5 ? { ok: false, message: "no" } : { ok: true, value: params }),
    run: (params) => void (params === 6 ? fail(new Error("oh")) : seen.push(params)),
  });
  for (const params of [1, 5, 6, 2]) wire.say(`{"method":"note","params":${params}}`);
  wire.say('{"method":"unknown","params":1}');
  assert.deepEqual([seen, wire.faults.length, wire.lines], [[1, 2], 1, []]);
});

describe("requests of ours", () => {
  test("get their answers in any order; answers to nothing are ignored", async () => {
    const wire = openWire();
    const ask = (n: number) => wire.peer.request("ask", { n }, { signal: forever });
    const answers = Promise.allSettled([ask(0), ask(1), ask(2), ask(3)]);
    assert.deepEqual(
      wire.messages().map(({ id, params }) => [id, params]),
      [0, 1, 2, 3].map((n) => [n, { n }]),
    );
    for (const line of [
      '{"id":7,"result":1}',
      '{"id":"1","result":"not this one"}',
      '{"id":1,"result":"one"}',
      '{"id":1,"result":"again"}',
      '{"id":0,"error":{"code":-1,"message":"no","data":5}}',
      '{"id":2,"error":"odd"}',
    ]) {
      wire.say(line);
    }
    assert.equal(wire.lines.length, 4);
    // Neither an answer nor a request: told to whoever sent it, and nobody waits for a better one.
    wire.say('{"id":3}');
    const [zero, one, two, three] = (await answers) as { value?: unknown; reason?: RpcError }[];
    assert.equal(one?.value, "one");
    assert.deepEqual([zero?.reason?.code, zero?.reason?.message, zero?.reason?.data], [-1, "no", 5]);
    assert.equal(two?.reason?.code, -32603);
    assert.equal(three?.reason?.code, -32600);
    assert.equal(wire.messages().at(-1)?.error?.code, -32600);
  });

  test("can be withdrawn", async () => {
    const wire = openWire();
    const controller = new AbortController();
    const withdrawn: number[] = [];
    const answer = wire.peer.request(
      "ask",
      {},
      { signal: controller.signal, onWithdrawn: (id) => void withdrawn.push(id) },
    );
    controller.abort(new Error("enough"));
    await assert.rejects(answer, /enough/);
    assert.deepEqual(withdrawn, [0]);
    wire.say('{"id":0,"result":"late"}');
    await assert.rejects(wire.peer.request("ask", {}, { signal: controller.signal }), /enough/);
    assert.equal(wire.lines.length, 1);
  });

  test("reject when the stream ends, and from then on", async () => {
    const wire = openWire();
    const answer = wire.peer.request("ask", {}, { signal: forever });
    wire.peer.end();
    await assert.rejects(answer, PeerClosed);
    await assert.rejects(wire.peer.request("ask", {}, { signal: forever }), PeerClosed);
  });
});

describe("closing", () => {
  test("aborts what is worked on, waits for the answers, and writes nothing after them", async () => {
    const wire = openWire();
    const steps: string[] = [];
    wire.peer.handle("work", {
      decode: anything,
      run: (_, { signal }) =>
        new Promise((resolve, reject) => {
          signal.addEventListener("abort", async () => {
            await settled();
            steps.push("cleaned up");
            if (wire.lines.length === 0) resolve("stopped");
            else reject(signal.reason);
          });
        }),
    });
    wire.say('{"id":1,"method":"work"}');
    wire.say('{"id":2,"method":"work"}');
    const pending = wire.peer.request("ask", {}, { signal: forever });
    const rejected = assert.rejects(pending, PeerClosed);
    const closing = wire.peer.close({ kind: "closed", detail: "enough" });
    assert.equal(wire.peer.close(), closing);
    await closing;
    await rejected;
    assert.equal(steps.length, 2);
    const answers = wire.messages().slice(1);
    assert.deepEqual(
      answers.map(({ id, result, error }) => [id, result ?? error]),
      [
        [1, { code: -32000, message: "cancelled: enough" }],
        [2, { code: -32000, message: "cancelled: enough" }],
      ],
    );
    void wire.peer.notify("late", {});
    wire.say('{"id":3,"method":"work"}');
    assert.equal(wire.lines.length, 3);
  });

  test("does not wait for ever: who does not stop is answered for", async () => {
    const wire = openWire({ limits: { closeMs: 1 } });
    wire.peer.handle("deaf", { decode: anything, run: () => new Promise(() => {}) });
    wire.say('{"id":1,"method":"deaf"}');
    wire.say('{"id":2,"method":"deaf"}');
    wire.peer.cancel(2);
    await wire.peer.close();
    assert.deepEqual(wire.messages(), [
      { jsonrpc: "2.0", id: 1, error: { code: -32000, message: "closed before there was an answer" } },
    ]);
  });
});

test("a slow reader makes producers wait, and with too many answers unread nothing more is read", async () => {
  const lines: string[] = [];
  let release = () => {};
  let isSlow = true;
  const stall = new Promise<void>((resolve) => (release = resolve));
  const output = {
    write: (text: string) => {
      lines.push(text);
      return isSlow ? stall : undefined;
    },
  };
  const peer = new Peer({ output, limits: { owedAnswers: 200 } });
  peer.handle("ping", { decode: anything, run: () => "pong" });
  const ping = () => peer.receive(Buffer.from('{"id":1,"method":"ping"}\n'));
  const wait = peer.notify("event", { big: "x".repeat(1000) });
  assert.ok(wait instanceof Promise);
  assert.equal(peer.isStalled, true);
  // An interrupt must be read however slow the reader of events is: events alone don't stop the reading.
  let reads = 0;
  while (ping() === undefined) reads += 1;
  assert.equal(reads, Math.floor(200 / lines.at(-1)!.trimEnd().length));
  assert.equal(lines.length, reads + 2, "nothing is left out");
  isSlow = false;
  release();
  await settled();
  assert.equal(peer.isStalled, false);
  assert.equal(ping(), undefined);
});

test("a peer says what its dialect says", () => {
  const wire = openWire({ dialect: "bare" });
  void wire.peer.notify("note", { a: 1 });
  void wire.peer.notifyText("note", '{"a":2}');
  wire.say('{"jsonrpc":"2.0","id":7,"method":"nope"}');
  assert.deepEqual(wire.lines, [
    '{"method":"note","params":{"a":1}}',
    '{"method":"note","params":{"a":2}}',
    '{"error":{"code":-32601,"message":"unknown method: nope"},"id":7}',
  ]);
});
