import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../src/engine/history.js";
import { type CallItem, outputOf, type ResponseItem, userMessage } from "../../src/protocol/index.js";

const call = (id: string): CallItem => ({ type: "function_call", call_id: id, name: "t", arguments: "{}" });

test("an output needs its open call, once; a call id appears once; nothing comes between a call and its output", () => {
  const wrong: ResponseItem[][] = [
    [outputOf(call("a"), "x")],
    [call("a"), call("a")],
    [call("a"), outputOf(call("a"), "x"), outputOf(call("a"), "x")],
    [call("a"), outputOf(call("a"), "x"), call("a")],
    [call("a"), userMessage("hi")],
  ];
  for (const items of wrong) assert.throws(() => new History().append(items), JSON.stringify(items));
  const history = new History();
  history.append([userMessage("hi"), call("a"), call("b"), outputOf(call("b"), "x"), outputOf(call("a"), "y")]);
  assert.doesNotThrow(() => history.replace([]), "no call is open");
});

test("a history with open calls can't be replaced", () => {
  const history = new History();
  history.append([call("a")]);
  assert.throws(() => history.replace([]));
});

test("the user's messages are the user's own, not notes of ours", () => {
  const history = new History();
  history.append([
    userMessage("mine"),
    userMessage("<turn_aborted>\n</turn_aborted>"),
    userMessage("<environment_context>"),
  ]);
  history.append([userMessage("mine too")]);
  assert.deepEqual(history.userMessages(), [userMessage("mine"), userMessage("mine too")]);
});
