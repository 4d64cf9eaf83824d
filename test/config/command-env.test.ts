import assert from "node:assert/strict";
import { test } from "node:test";
import { commandEnvironment, type EnvironmentPolicy } from "../../src/config/index.js";
import fc from "../support/fast-check.js";
import { loaded, makePlace } from "./place.js";

const ALL: EnvironmentPolicy = { inherit: "all", ignoreDefaultExcludes: false, exclude: [], set: {}, includeOnly: [] };

const ENV = {
  HOME: "/h",
  PATH: "/bin",
  SHELL: "/bin/sh",
  USER: "me",
  LOGNAME: "me",
  TMPDIR: "/t",
  LANG: "C",
  AWS_SECRET: "s",
  OPENAI_API_KEY: "k",
  my_token_x: "t",
  CODEX_HOME: "/c",
  GONE: undefined,
};

const names = (policy: Partial<EnvironmentPolicy>) =>
  Object.keys(commandEnvironment(ENV, { ...ALL, ...policy })).sort();

/** A policy, and the names that are left. */
const policies: readonly (readonly [Partial<EnvironmentPolicy>, readonly string[]])[] = [
  [{}, ["CODEX_HOME", "HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TMPDIR", "USER"]],
  [{ inherit: "core" }, ["HOME", "LOGNAME", "PATH", "SHELL", "TMPDIR", "USER"]],
  [{ inherit: "none" }, []],
  [{ inherit: "none", set: { A: "1" } }, ["A"]],
  [{ exclude: ["lang", "*HOME"] }, ["LOGNAME", "PATH", "SHELL", "TMPDIR", "USER"]],
  [{ exclude: ["?????"] }, ["CODEX_HOME", "HOME", "LANG", "LOGNAME", "PATH", "TMPDIR", "USER"]],
  [{ exclude: ["*"], set: { LANG: "de" } }, ["LANG"]],
  [{ ignoreDefaultExcludes: true, includeOnly: ["*_*"] }, ["AWS_SECRET", "CODEX_HOME", "OPENAI_API_KEY", "my_token_x"]],
  [
    { set: { MY_KEY: "x", B: "y" } },
    ["B", "CODEX_HOME", "HOME", "LANG", "LOGNAME", "MY_KEY", "PATH", "SHELL", "TMPDIR", "USER"],
  ],
  [{ set: { A: "1", PATH: "/x" }, includeOnly: ["path"] }, ["PATH"]],
  [{ includeOnly: ["OPENAI*"] }, []],
];

test("what a command gets of the environment", () => {
  for (const [policy, expected] of policies) assert.deepEqual(names(policy), expected, JSON.stringify(policy));
  assert.equal(commandEnvironment(ENV, { ...ALL, set: { PATH: "/x" } }).PATH, "/x");
});

test("the policy of config.toml reaches the commands", async (t) => {
  const place = makePlace(t);
  place.write(
    "home/config.toml",
    '[shell_environment_policy]\ninherit = "core"\nignore_default_excludes = true\nexclude = ["SHELL"]\ninclude_only = ["P*", "X_KEY"]\nset = { X_KEY = "1", Y = "2" }\n',
  );
  const config = await loaded(place, { env: ENV });
  assert.deepEqual(config.commandEnv, { PATH: "/bin", X_KEY: "1" });
});

/** The plain meaning of a glob, as a check on the quick one. */
function plain(text: string, glob: string): boolean {
  if (glob === "") return text === "";
  if (glob[0] === "*") return plain(text, glob.slice(1)) || (text !== "" && plain(text.slice(1), glob));
  return text !== "" && (glob[0] === "?" || glob[0] === text[0]) && plain(text.slice(1), glob.slice(1));
}

test("globs mean what they say", () => {
  const letters = (from: string, max: number) =>
    fc.array(fc.constantFrom(...from), { maxLength: max }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(letters("AB", 8), letters("AB*?", 6), (text, glob) => {
      const left = commandEnvironment({ [`_${text}`]: "" }, { ...ALL, exclude: [`_${glob}`] });
      assert.equal(Object.keys(left).length === 0, plain(text, glob), `${text} ${glob}`);
    }),
    { numRuns: 2000 },
  );
});

test("no glob is slow", () => {
  const left = commandEnvironment({ ["A".repeat(10_000)]: "" }, { ...ALL, exclude: [`${"*A".repeat(200)}*B`] });
  assert.equal(Object.keys(left).length, 1);
});
