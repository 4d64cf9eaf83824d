import assert from "node:assert/strict";
import { test } from "node:test";
import { modelInfo, settleModelSettings, type WantedSettings } from "../../src/model/index.js";
import { EFFORTS, ROWS } from "../../src/model/table/index.js";
import type { ReasoningEffort } from "../../src/protocol/index.js";

const NOTHING = { effort: undefined, verbosity: undefined, serviceTier: undefined };

function settled(model: string, wanted: Partial<WantedSettings> = {}) {
  return settleModelSettings({ ...NOTHING, info: modelInfo(model), model, wire: "responses", ...wanted });
}

/** Model, effort that is set, effort that is sent, and the note. */
const efforts: readonly (readonly [string, ReasoningEffort, ReasoningEffort | undefined, string | undefined])[] = [
  ["gpt-5.5", "high", "high", undefined],
  ["gpt-5.5", "xhigh", "xhigh", undefined],
  ["gpt-5.5", "ultra", "xhigh", "reasoning effort ultra: gpt-5.5 takes up to xhigh, which is used"],
  ["gpt-5.5", "max", "xhigh", "reasoning effort max: gpt-5.5 takes up to xhigh, which is used"],
  ["gpt-5.5", "none", "low", "reasoning effort none: gpt-5.5 takes low and more; low is used"],
  ["gpt-5.5", "minimal", "low", "reasoning effort minimal: gpt-5.5 takes low and more; low is used"],
  ["gpt-5.4", "none", "none", undefined],
  ["gpt-6.1-sol", "max", "max", undefined],
  ["gpt-6.1-sol", "ultra", "max", "reasoning effort ultra: max is sent, the most that a model is asked for"],
  ["gpt-6-luna", "ultra", "max", "reasoning effort ultra: gpt-6-luna takes up to max, which is used"],
  ["gpt-5-pro", "low", "high", "reasoning effort low: gpt-5-pro takes high; high is used"],
  ["kimi-k3", "medium", "low", "reasoning effort medium: kimi-k3 takes low and more; low is used"],
  ["kimi-k3", "xhigh", "high", "reasoning effort xhigh: kimi-k3 takes low, high, max; high is used"],
  ["qwen3-coder:30b", "high", undefined, "reasoning effort high: qwen3-coder:30b takes none, and none is sent"],
  ["gpt-5-chat-latest", "none", undefined, undefined],
  ["m1", "minimal", "minimal", undefined],
  ["m1", "ultra", "max", "reasoning effort ultra: max is sent, the most that a model is asked for"],
  ["glm-5.3", "high", "high", undefined],
];

test("an effort that a model does not take becomes the nearest one it takes, and a note says so", () => {
  for (const wire of ["responses", "chat"] as const) {
    for (const [model, effort, sent, note] of efforts) {
      const got = settled(model, { effort, wire });
      assert.deepEqual([got.effort, got.notes], [sent, note === undefined ? [] : [note]], `${model} ${effort}`);
    }
  }
});

test("of every row, whatever is set: only what it takes is sent, silently where it was asked for", () => {
  for (const [names, info] of ROWS) {
    for (const effort of EFFORTS) {
      const got = settleModelSettings({ ...NOTHING, info, model: "m", effort, wire: "responses" });
      const asked = effort === "ultra" ? "max" : effort;
      if (info.efforts === undefined) assert.equal(got.effort, asked, `${names}`);
      else if (info.efforts.length === 0) assert.equal(got.effort, undefined, `${names}`);
      else assert.ok(got.effort !== undefined && info.efforts.includes(got.effort), `${names} ${effort}`);
      const changed = got.effort !== effort && !(effort === "none" && got.effort === undefined);
      assert.equal(got.notes.length, changed ? 1 : 0, `${names} ${effort}: ${got.notes}`);
    }
    const plain = settleModelSettings({ ...NOTHING, info, model: "m", wire: "responses" });
    const { defaultEffort: effort, defaultVerbosity: verbosity } = info;
    assert.deepEqual(plain, { effort, verbosity, serviceTier: undefined, notes: [] }, `${names}`);
    assert.deepEqual(settleModelSettings({ ...NOTHING, info, model: "m", wire: "chat" }), { ...NOTHING, notes: [] });
  }
});

test("an unknown model gets what was set, and nothing by default", () => {
  assert.deepEqual(settled("m1"), { ...NOTHING, notes: [] });
  const all = { effort: "high", verbosity: "low", serviceTier: "gold" } as const;
  assert.deepEqual(settled("m1", all), { ...all, notes: [] });
  assert.deepEqual(settled("m1", { ...all, wire: "chat" }), { ...all, notes: [] });
  assert.deepEqual(settled("gpt-6.1-sol", { ...all, wire: "demo" }), { ...NOTHING, notes: [] });
});

test("a verbosity and a service tier that a model does not take are not sent, and a note says so", () => {
  const got = settled("o3", { verbosity: "low", serviceTier: "flex" });
  assert.deepEqual([got.verbosity, got.serviceTier], [undefined, "flex"]);
  assert.deepEqual(got.notes, ["verbosity low: o3 takes none, and none is sent"]);
  const own = { ...modelInfo("o3"), takesServiceTier: false };
  const refused = settled("o3", { info: own, serviceTier: "flex" });
  assert.deepEqual(refused.notes, ["service tier flex: o3 takes none, and none is sent"]);
  assert.deepEqual(settled("gpt-5.5", { verbosity: "high", serviceTier: "priority" }), {
    effort: "medium",
    verbosity: "high",
    serviceTier: "priority",
    notes: [],
  });
});

test("a default of the table that the settings leave no room for gives way silently", () => {
  const info = { ...modelInfo("gpt-5.5"), efforts: ["high"] as const };
  assert.deepEqual(settled("gpt-5.5", { info }).effort, "high");
  assert.deepEqual(settled("gpt-5.5", { info }).notes, []);
  assert.equal(settled("gpt-5.5", { info: { ...info, efforts: [] } }).effort, undefined);
});

test("the name in a note is bounded", () => {
  const [note = ""] = settled("x".repeat(5_000), { info: { efforts: ["high"] }, effort: "low" }).notes;
  assert.ok(note.length < 200, note);
});
