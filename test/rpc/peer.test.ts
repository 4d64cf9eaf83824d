import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Peer, RpcError } from "../../src/rpc/index.js";
import { openWire } from "./wire.js";

const any = (params: unknown) => ({ ok: true as const, value: params });

describe("requests of the other side", () => {
  test("are answered, in the order the answers are made, with their ids as they came", () => {
    const wire = openWire();
    wire.peer.handle("echo", { decode: any, run: (params) => params });
    for (const id of ['"a"', "1", '"1"', "0", "-3", "1.5", "null", "12345678901234567890", '"\\u0000"', "1e400"]) {
      wire.say(`{"jsonrpc":"2.0","id":${id},"method":"echo","params":{"id":"not this"}}`);
      assert.equal(wire.lines.at(-1), `{"id":${id},"jsonrpc":"2.0","result":{"id":"not this"}}`);
    }
  });

  test("that can't be answered are refused with their code", () => {
    const wire = openWire();
    wire.peer.handle("strict", { decode: () => ({ ok: false, message: "a.b: it is missing" }), run: () => 1 });
    wire.peer.handle("throws", {
      decode: any,
      run: () => {
        throw new RpcError(-32600, "no such thing", { more: 1 });
      },
    });
    assert.deepEqual(wire.ask('{"id":1,"method":"nope"}').error, { code: -32601, message: "unknown method: nope" });
    assert.deepEqual(wire.ask('{"id":1,"method":"strict"}').error, {
      code: -32602,
      message: "invalid params: a.b: it is missing",
    });
    assert.deepEqual(wire.ask('{"id":1,"method":"throws"}').error, {
      code: -32600,
      message: "no such thing",
      data: { more: 1 },
    });
  });
});

test("a peer says what its dialect says", () => {
  const lines: string[] = [];
  const peer = new Peer({ dialect: "bare", output: { write: (text) => void lines.push(text) } });
  void peer.notify("note", { a: 1 });
  void peer.receive(Buffer.from('{"id":7,"method":"nope"}\n'));
  assert.deepEqual(lines, [
    '{"method":"note","params":{"a":1}}\n',
    '{"error":{"code":-32601,"message":"unknown method: nope"},"id":7}\n',
  ]);
});
