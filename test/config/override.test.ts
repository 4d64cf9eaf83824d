import assert from "node:assert/strict";
import { test } from "node:test";
import { overrideOf } from "../../src/config/index.js";
import fc from "../support/fast-check.js";
import { loaded, makePlace, refused } from "./place.js";

/** Values as typed after `-c compact_prompt=`, and the text they come to (or, for other types, what is said of them). */
const values: readonly (readonly [string, string])[] = [
  ["plain words", "plain words"],
  ['"quoted"', "quoted"],
  ["'single'", "single"],
  ['"a\\nb\\u00e9"', "a\nbé"],
  ['"""three"""', "three"],
  ['"open', '"open'],
  ["", ""],
  ["  padded  ", "padded"],
  ["a=b=c", "a=b=c"],
  ["12 monkeys", "12 monkeys"],
  ['"x"\nsandbox_mode="danger-full-access"', '"x"\nsandbox_mode="danger-full-access"'],
  ["[not toml", "[not toml"],
  ["true", "!true"],
  ["-12", "!-12"],
  ["0x10", "!16"],
  ["1.5", "!1.5"],
  ["inf", "!Infinity"],
  ["[1, 2]", "![1, 2]"],
  ["{a = 1}", "!a table"],
  ["123456789012345678901234567890", "!123456789012345678901234567890"],
];

test("-c values: TOML where it is TOML, else the text as it stands", async (t) => {
  const place = makePlace(t);
  for (const [typed, expected] of values) {
    const overrides = [`compact_prompt=${typed}`];
    if (expected.startsWith("!")) {
      assert.equal(
        await refused(place, { overrides }),
        `-c compact_prompt: expected a string; got ${expected.slice(1)}`,
      );
    } else {
      const config = await loaded(place, { overrides });
      assert.deepEqual([config.compactPrompt, config.sandboxPolicy.mode], [expected, "read-only"], typed);
    }
  }
});

test("-c keys: dotted, quoted; a later one wins; what is no key is refused", async (t) => {
  const place = makePlace(t);
  const env = async (...overrides: string[]) => (await loaded(place, { overrides })).commandEnv;
  const set = "shell_environment_policy.set";
  const none = "shell_environment_policy.inherit=none";
  assert.deepEqual(await env(none, `${set}.A=1x`, `${set}."B.C"=two`, `${set}.'D' = x`), {
    A: "1x",
    "B.C": "two",
    D: "x",
  });
  assert.deepEqual(await env(none, `${set}.A=one`, `${set}.A=two`), { A: "two" });
  assert.deepEqual(await env(none, `${set}={A="one"}`, `${set}.B=two`), { A: "one", B: "two" });
  assert.equal(await refused(place, { overrides: ["badkey"] }), "Invalid override (missing '='): badkey");
  for (const raw of ["=x", "a..b=1", ".a=1", "a b=1", '"a=1']) {
    assert.equal(
      await refused(place, { overrides: [raw] }),
      `Invalid override (bad key): ${raw.slice(0, raw.lastIndexOf("="))}`,
    );
  }
});

test("keys of objects mean nothing in a table", async (t) => {
  const place = makePlace(t);
  place.write("home/config.toml", "[__proto__]\nmodel = 'x'\n[constructor]\nprototype = 1\n");
  const config = await loaded(place, {
    overrides: ["__proto__.model=evil", "constructor.prototype.model=evil", "shell_environment_policy.set.__proto__=v"],
  });
  assert.equal(config.model, "gpt-6.1-sol");
  assert.equal(({} as { model?: string }).model, undefined);
  assert.equal(Object.getOwnPropertyDescriptor(config.commandEnv, "__proto__")?.value, "v");
});

test("values of JSON, given by a program, arrive as they are", async (t) => {
  const place = makePlace(t);
  const mode = overrideOf("sandbox_mode", "workspace-write")!;
  const roots = overrideOf("sandbox_workspace_write", { writable_roots: ["/a b", '/"c"'], network_access: true })!;
  const { sandboxPolicy } = await loaded(place, { overrides: [mode, roots] });
  assert.deepEqual(sandboxPolicy, {
    mode: "workspace-write",
    writable_roots: ["/a b", '/"c"'],
    network_access: true,
    exclude_tmpdir_env_var: false,
    exclude_slash_tmp: false,
  });
  assert.equal((await loaded(place, { overrides: [overrideOf("model_context_window", 1e6)!] })).contextWindow, 1e6);
  assert.equal(overrideOf("model", null), undefined);
  const wrong = overrideOf("sandbox_workspace_write.writable_roots", [null])!;
  assert.match(await refused(place, { overrides: [wrong] }), /writable_roots: expected/);

  const value = fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", ""));
  await fc.assert(
    fc.asyncProperty(value, value, async (text, key) => {
      const { compactPrompt } = await loaded(place, { overrides: [overrideOf("compact_prompt", text)!] });
      assert.equal(compactPrompt, text);
      const set = overrideOf("shell_environment_policy", {
        inherit: "none",
        set: { [`k${key.replaceAll("=", "")}`]: text },
      })!;
      assert.deepEqual(Object.values((await loaded(place, { overrides: [set] })).commandEnv), [text]);
    }),
    { numRuns: 50 },
  );
});
