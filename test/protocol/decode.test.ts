import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Decoded,
  decodeEvent,
  decodeResponseItem,
  decodeSubmission,
  isCall,
  isCallOutput,
  isTerminal,
  outputOf,
  textOf,
} from "../../src/protocol/index.js";
import { eventSamples, itemSamples, opSamples } from "./samples.js";

function decodedBy<T>(decoded: Decoded<T>): T {
  assert.ok(decoded.ok, decoded.ok ? "" : decoded.message);
  return decoded.value;
}

function refusalOf(decoded: Decoded<unknown>): string {
  assert.equal(decoded.ok, false);
  return decoded.ok ? "" : decoded.message;
}

describe("samples", () => {
  for (const [type, samples] of Object.entries(opSamples)) {
    test(`op ${type}`, () => {
      for (const sample of samples) {
        const submission = { id: "1", op: { type, ...sample } };
        assert.deepEqual(decodedBy(decodeSubmission(submission)), submission);
        assert.deepEqual(decodedBy(decodeSubmission({ ...submission, extra: 1 })), submission);
        assert.deepEqual(decodedBy(decodeSubmission({ id: "1", op: { ...submission.op, extra: [{}] } })), submission);
      }
    });
  }

  for (const [type, samples] of Object.entries(eventSamples)) {
    test(`event ${type}`, () => {
      for (const sample of samples) {
        const event = { id: "1", msg: { type, ...sample } };
        const decoded = decodedBy(decodeEvent({ id: "1", msg: { ...event.msg, extra: 1 } }));
        if (decoded.msg.type === "exec_command_output_delta") {
          assert.ok(decoded.msg.chunk instanceof Uint8Array);
          assert.deepEqual({ ...decoded.msg, chunk: [...decoded.msg.chunk] }, event.msg);
        } else assert.deepEqual(decoded, event);
        assert.equal(isTerminal(decoded.msg), type === "task_complete" || type === "turn_aborted");
      }
    });
  }

  for (const item of itemSamples) {
    test(`item ${item.type}: ${Object.keys(item).join(", ")}`, () => {
      assert.deepEqual(decodedBy(decodeResponseItem({ ...item, extra: 1 })), item);
    });
  }

  test("a workspace policy has its defaults filled in", () => {
    const { op } = decodedBy(
      decodeSubmission({
        id: "1",
        op: { type: "override_turn_context", sandbox_policy: { mode: "workspace-write", network_access: true } },
      }),
    );
    assert.deepEqual(op.type === "override_turn_context" && op.sandbox_policy, {
      mode: "workspace-write",
      writable_roots: [],
      network_access: true,
      exclude_tmpdir_env_var: false,
      exclude_slash_tmp: false,
    });
  });
});

describe("a wrong field is named, with what was wanted and what came", () => {
  const op = (value: unknown) => refusalOf(decodeSubmission({ id: "1", op: value }));
  const input = (...items: unknown[]) => op({ type: "user_input", items });
  const msg = (value: unknown) => refusalOf(decodeEvent({ id: "1", msg: value }));
  const change = (value: unknown) =>
    msg({ type: "patch_apply_begin", call_id: "c", auto_approved: true, changes: { "/a b": value } });

  const rows: readonly (readonly [string, string])[] = [
    [refusalOf(decodeSubmission(5)), "expected object, got 5"],
    [refusalOf(decodeSubmission("hi")), 'expected object, got "hi"'],
    [refusalOf(decodeSubmission(null)), "expected object, got null"],
    [refusalOf(decodeSubmission({})), "id: it is missing"],
    [refusalOf(decodeSubmission({ id: 7, op: { type: "interrupt" } })), "id: expected string, got 7"],
    [refusalOf(decodeSubmission({ id: "1" })), "op: it is missing"],
    [op([]).slice(0, 31), 'op.type: expected "interrupt" |'],
    [input({ type: "text" }), "op.items[0].text: it is missing"],
    [input({ type: "text", text: 4 }), "op.items[0].text: expected string, got 4"],
    [input({ type: "text", text: "a" }, null), "op.items[1]: expected object, got null"],
    [input({ type: "txt" }), 'op.items[0].type: expected "text" | "image" | "local_image", got "txt"'],
    [input({ text: "a" }), 'op.items[0].type: expected "text" | "image" | "local_image", it is missing'],
    [op({ type: "user_input", items: "a" }), 'op.items: expected array, got "a"'],
    [op({ type: "compact!" }).slice(-16), ', got "compact!"'.slice(-16)],
    [
      op({ type: "exec_approval", id: "1", decision: "yes" }),
      'op.decision: expected "approved" | "approved_for_session" | "denied" | "abort" | object, got "yes"',
    ],
    [
      op({ type: "override_turn_context", sandbox_policy: { mode: "none" } }),
      'op.sandbox_policy.mode: expected "danger-full-access" | "read-only" | "workspace-write", got "none"',
    ],
    [change({ add: { content: 1 } }), "msg.changes./a b.add.content: expected string, got 1"],
    [change({ remove: {} }), 'msg.changes./a b: expected one of the fields "add", "update", got object'],
    [change("remove"), 'msg.changes./a b: expected "delete" | object, got "remove"'],
    [
      refusalOf(decodeResponseItem({ type: "function_call_output", call_id: "c", output: 5 })),
      "output: expected string | array, got 5",
    ],
  ];
  for (const [got, wanted] of rows) test(wanted, () => assert.equal(got, wanted));

  test("an unknown op lists every op there is", () => {
    const message = op({ type: "bogus" });
    for (const type of Object.keys(opSamples)) assert.ok(message.includes(`"${type}"`), type);
    assert.match(message, /^op\.type: expected .*, got "bogus"$/);
  });

  test("an unknown event lists every event there is", () => {
    const message = msg({ type: "bogus" });
    for (const type of Object.keys(eventSamples)) assert.ok(message.includes(`"${type}"`), type);
  });

  test("a text with the look of a type name is quoted as it came", () => {
    assert.match(op({ type: "(a | Object)" }), /got "\(a \| Object\)"$/);
  });

  test("the message stays short whatever came", () => {
    assert.ok(input({ type: "text", text: "a" }, "x".repeat(1 << 20)).length < 200);
  });
});

describe("chunk bytes", () => {
  const delta = (chunk: unknown) =>
    decodeEvent({ id: "1", msg: { type: "exec_command_output_delta", call_id: "c", stream: "stdout", chunk } });

  test("every byte value", () => {
    const bytes = [...Array(256).keys()];
    const { msg } = decodedBy(delta(bytes));
    assert.deepEqual(msg.type === "exec_command_output_delta" && [...msg.chunk], bytes);
  });

  test("nothing that is no byte", () => {
    for (const wrong of [256, -1, 1.5, Number.NaN]) assert.match(refusalOf(delta([1, wrong])), /^msg\.chunk/);
    assert.equal(refusalOf(delta([1, "2"])), 'msg.chunk[1]: expected number, got "2"');
  });
});

describe("items", () => {
  test("a call is answered by the output item of its kind", () => {
    for (const item of itemSamples.map((sample) => decodedBy(decodeResponseItem(sample)))) {
      assert.equal(isCall(item), item.type.endsWith("_call"));
      assert.equal(isCallOutput(item), item.type.endsWith("_call_output"));
      if (isCall(item))
        assert.deepEqual(outputOf(item, "o"), { type: `${item.type}_output`, call_id: "c", output: "o" });
    }
  });

  test("a message says its texts and its refusals", () => {
    const message = decodedBy(decodeResponseItem(itemSamples[1]));
    assert.equal(message.type === "message" && textOf(message), "bno");
  });
});
