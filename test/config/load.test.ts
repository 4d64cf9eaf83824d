import assert from "node:assert/strict";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Config, DEFAULT_MODEL, loadConfig } from "../../src/config/index.js";
import { apart, load, loaded, makePlace, refused } from "./place.js";

test("nothing set: the safe defaults, and no file is read or made", async (t) => {
  const place = makePlace(t);
  rmSync(place.home, { recursive: true });
  const config = await loaded(place);
  const { provider, commandEnv, models, ...rest } = config;
  assert.deepEqual(
    { ...rest, models: { ...models } },
    {
      home: place.home,
      cwd: place.cwd,
      model: DEFAULT_MODEL,
      openaiAuth: true,
      missingKey: { envKey: "OPENAI_API_KEY", instructions: undefined },
      approvalPolicy: "on-request",
      sandboxPolicy: { mode: "read-only" },
      projectTrust: undefined,
      effort: undefined,
      summary: undefined,
      verbosity: undefined,
      serviceTier: undefined,
      models: {},
      contextWindow: undefined,
      autoCompactTokenLimit: undefined,
      toolOutputTokenLimit: 10_000,
      hideAgentReasoning: false,
      showRawAgentReasoning: false,
      projectDocMaxBytes: 32_768,
      projectDocFallbackNames: [],
      instructionsFile: undefined,
      developerInstructions: undefined,
      compactPrompt: undefined,
      containFullAccess: true,
      keepBackgroundProcesses: false,
      allowPartialSandbox: false,
      commandTimeoutMs: undefined,
      sessionLimits: { maxBytes: 10 * 1024 ** 3, keepDays: undefined },
      projectFiles: [],
      sources: [],
      warnings: [],
    },
  );
  assert.equal(provider.id, "openai");
  assert.deepEqual(commandEnv, { BELAY_HOME: place.home });
});

/** A line of config.toml, and what it comes to. */
const good: readonly (readonly [string, keyof Config, unknown])[] = [
  ['model = "o3"', "model", "o3"],
  ['approval_policy = "never"', "approvalPolicy", "never"],
  ['approval_policy = "untrusted"', "approvalPolicy", "untrusted"],
  ['approval_policy = "on-failure"', "approvalPolicy", "on-failure"],
  ['sandbox_mode = "danger-full-access"', "sandboxPolicy", { mode: "danger-full-access" }],
  ["sandbox_workspace_write.network_access = true", "sandboxPolicy", { mode: "read-only" }],
  [
    'sandbox_mode = "workspace-write"',
    "sandboxPolicy",
    {
      mode: "workspace-write",
      writable_roots: [],
      network_access: false,
      exclude_tmpdir_env_var: false,
      exclude_slash_tmp: false,
    },
  ],
  [
    'sandbox_mode = "workspace-write"\n[sandbox_workspace_write]\nwritable_roots = ["/a/../b", "~/c"]\nnetwork_access = true\nexclude_tmpdir_env_var = true\nexclude_slash_tmp = true',
    "sandboxPolicy",
    {
      mode: "workspace-write",
      writable_roots: ["/b", "/users/me/c"],
      network_access: true,
      exclude_tmpdir_env_var: true,
      exclude_slash_tmp: true,
    },
  ],
  ['model_reasoning_effort = "xhigh"', "effort", "xhigh"],
  ['model_reasoning_summary = "concise"', "summary", "concise"],
  ["model_context_window = 200_000", "contextWindow", 200_000],
  ["model_auto_compact_token_limit = 9223372036854775807", "autoCompactTokenLimit", Number.MAX_SAFE_INTEGER],
  ["tool_output_token_limit = 1", "toolOutputTokenLimit", 1],
  ["hide_agent_reasoning = true", "hideAgentReasoning", true],
  ["show_raw_agent_reasoning = true", "showRawAgentReasoning", true],
  ["project_doc_max_bytes = 0", "projectDocMaxBytes", 0],
  ['project_doc_fallback_filenames = ["CLAUDE.md"]', "projectDocFallbackNames", ["CLAUDE.md"]],
  ['developer_instructions = "Be brief."', "developerInstructions", "Be brief."],
  ['compact_prompt = "Sum up."', "compactPrompt", "Sum up."],
  ["contain_full_access = false", "containFullAccess", false],
  ["keep_background_processes = true", "keepBackgroundProcesses", true],
  ["allow_partial_sandbox = true", "allowPartialSandbox", true],
  ["command_timeout_ms = 1000", "commandTimeoutMs", 1000],
  ["[sessions]\nmax_bytes = 0\nkeep_days = 30", "sessionLimits", { maxBytes: undefined, keepDays: 30 }],
  ["no_such_key = 1\n[tui]\nnor_this = true", "warnings", []],
  ['default_permissions = ":workspace"\nsandbox_mode = "read-only"', "sandboxPolicy", { mode: "read-only" }],
];

test("keys of config.toml, one by one", async (t) => {
  const place = makePlace(t);
  for (const [text, key, value] of good) {
    place.write("home/config.toml", text);
    const config = await loaded(place, { env: { HOME: "/users/me" } });
    assert.deepEqual(config[key], value, text);
    assert.deepEqual(config.sources, [join(place.home, "config.toml")]);
  }
});

/** A line of config.toml, and the message after the file's path. */
const bad: readonly (readonly [string, string])[] = [
  [
    'approval_policy = "bogus"',
    'approval_policy: expected one of untrusted, on-failure, on-request, never; got "bogus"',
  ],
  [
    "approval_policy = { granular = { rules = true } }",
    "approval_policy: expected one of untrusted, on-failure, on-request, never; got a table",
  ],
  [
    'approval_policy = ["never"]',
    'approval_policy: expected one of untrusted, on-failure, on-request, never; got ["never"]',
  ],
  ['approval_policy = ""', 'approval_policy: expected one of untrusted, on-failure, on-request, never; got ""'],
  [
    'sandbox_mode = "Read-Only"',
    'sandbox_mode: expected one of read-only, workspace-write, danger-full-access; got "Read-Only"',
  ],
  ["sandbox_workspace_write = 5", "sandbox_workspace_write: expected a table; got 5"],
  [
    'sandbox_workspace_write.network_access = "yes"',
    'sandbox_workspace_write.network_access: expected true or false; got "yes"',
  ],
  [
    'sandbox_workspace_write.writable_roots = ["/a", "b"]',
    'sandbox_workspace_write.writable_roots: expected an array of absolute paths (or ones that start with ~/); got ["/a", "b"]',
  ],
  [
    'sandbox_workspace_write.writable_roots = "/a"',
    'sandbox_workspace_write.writable_roots: expected an array of absolute paths (or ones that start with ~/); got "/a"',
  ],
  ["model = 5", "model: expected a string that is not empty, on one line; got 5"],
  ['model = " "', 'model: expected a string that is not empty, on one line; got " "'],
  [
    'model_reasoning_effort = "huge"',
    'model_reasoning_effort: expected one of none, minimal, low, medium, high, xhigh, max, ultra; got "huge"',
  ],
  [
    "model_reasoning_summary = true",
    "model_reasoning_summary: expected one of auto, concise, detailed, none; got true",
  ],
  ["model_context_window = 0", "model_context_window: expected a whole number, 1 or more; got 0"],
  ["model_context_window = 1.5", "model_context_window: expected a whole number, 1 or more; got 1.5"],
  ["project_doc_max_bytes = -1", "project_doc_max_bytes: expected a whole number, 0 or more; got -1"],
  [
    "command_timeout_ms = 9999999999",
    "command_timeout_ms: expected a whole number from 1 to 2147483647; got 9999999999",
  ],
  ["hide_agent_reasoning = 1", "hide_agent_reasoning: expected true or false; got 1"],
  [
    'project_doc_fallback_filenames = ["../x"]',
    'project_doc_fallback_filenames: expected an array of names of files, without a path; got ["../x"]',
  ],
  [
    'default_permissions = ":workspace"',
    "default_permissions: permission profiles are not known; set sandbox_mode: read-only, workspace-write, danger-full-access",
  ],
  [
    'shell_environment_policy.inherit = "some"',
    'shell_environment_policy.inherit: expected one of all, core, none; got "some"',
  ],
  ["shell_environment_policy.set.A = 1", "shell_environment_policy.set.A: expected a string; got 1"],
  [
    'shell_environment_policy.set."a=b" = "c"',
    'shell_environment_policy.set."a=b": expected a variable the system can carry: no NUL, no = in its name',
  ],
  ["compact_prompt = 1979-05-27", "compact_prompt: expected a string; got a date"],
];

test("what is set wrong is named: file, key, what is allowed, what was found", async (t) => {
  const place = makePlace(t);
  for (const [text, message] of bad) {
    const path = place.write("home/config.toml", text);
    assert.equal(await refused(place), `${path}: ${message}`);
  }
});

test("every mistake is told at once, each once", async (t) => {
  const place = makePlace(t);
  place.write("home/config.toml", 'approval_policy = "x"\nsandbox_workspace_write = 5\nmodel = 1');
  const lines = (await refused(place)).split("\n");
  assert.equal(lines.length, 3);
  assert.equal(new Set(lines).size, 3);
});

test("a mistake in TOML is named with line and column", async (t) => {
  const place = makePlace(t);
  const path = place.write("home/config.toml", 'model = "a"\nmodel = "b"\n');
  assert.match(await refused(place), new RegExp(`^${path}:2:1: trying to redefine`));
  place.write("home/config.toml", 'a = 1\nb = "open\n');
  assert.match(await refused(place), new RegExp(`^${path}:2:\\d+: \\S`));
});

test("precedence: config.toml, profile table, profile file, -c, flag", async (t) => {
  const place = makePlace(t);
  const asked = { profile: "p", overrides: ['model="from-c"'], flags: { model: "from-flag" } };
  const toml = 'model = "from-toml"\n[profiles.p]\nmodel = "from-table"\n';
  place.write("home/config.toml", toml);
  place.write("home/p.config.toml", 'model = "from-file"\n');
  assert.equal((await loaded(place, asked)).model, "from-flag");
  assert.equal((await loaded(place, { ...asked, flags: {} })).model, "from-c");
  assert.equal((await loaded(place, { profile: "p" })).model, "from-file");
  rmSync(join(place.home, "p.config.toml"));
  assert.equal((await loaded(place, { profile: "p" })).model, "from-table");
  assert.equal((await loaded(place)).model, "from-toml");
  rmSync(join(place.home, "config.toml"));
  assert.equal((await loaded(place)).model, DEFAULT_MODEL);
});

test("tables are laid over each other key by key, arrays as a whole", async (t) => {
  const place = makePlace(t);
  place.write(
    "home/config.toml",
    'sandbox_mode = "workspace-write"\n[sandbox_workspace_write]\nwritable_roots = ["/a", "/b"]\nnetwork_access = true\n' +
      '[profiles.p.sandbox_workspace_write]\nwritable_roots = ["/c"]\n',
  );
  const config = await loaded(place, { profile: "p", overrides: ["sandbox_workspace_write={exclude_slash_tmp=true}"] });
  assert.deepEqual(config.sandboxPolicy, {
    mode: "workspace-write",
    writable_roots: ["/c"],
    network_access: true,
    exclude_tmpdir_env_var: false,
    exclude_slash_tmp: true,
  });
});

test("profiles: chosen by -p, by -c, by config.toml; an unknown one names those that are known", async (t) => {
  const place = makePlace(t);
  const path = place.write(
    "home/config.toml",
    'profile = "b"\n[profiles.a]\nmodel = "ma"\n[profiles.b]\nmodel = "mb"\n[profiles."x/y"]\nmodel = "mxy"\n',
  );
  const file = place.write("home/c.config.toml", 'model = "mc"\nprofile = "a"\n');
  assert.equal((await loaded(place)).model, "mb");
  assert.equal((await loaded(place, { overrides: ["profile=a"] })).model, "ma");
  assert.equal((await loaded(place, { profile: "a", overrides: ["profile=b"] })).model, "ma");
  assert.equal((await loaded(place, { profile: "x/y" })).model, "mxy");
  const byFile = await loaded(place, { profile: "c" });
  assert.deepEqual([byFile.model, byFile.sources], ["mc", [path, file]]);
  assert.equal(await refused(place, { profile: "nope" }), '--profile: unknown profile "nope"; known are a, b, c, x/y');
  assert.match(await refused(place, { profile: "" }), /^--profile: unknown profile ""/);
  assert.match(await refused(place, { profile: "../home/c" }), /unknown profile/);
  place.write("home/config.toml", 'profile = "gone"');
  assert.equal(await refused(place), `${path}: profile: unknown profile "gone"; known are c`);
});

test("a mistake is named where it stands: a profile's table, its file, -c, a flag", async (t) => {
  const place = makePlace(t);
  const path = place.write("home/config.toml", "[profiles.p]\nmodel = 1\n");
  assert.match(await refused(place, { profile: "p" }), new RegExp(`^${path}: profiles.p.model: expected`));
  const file = place.write("home/f.config.toml", "model = 1\n");
  assert.match(await refused(place, { profile: "f" }), new RegExp(`^${file}: model: expected`));
  assert.match(await refused(place, { overrides: ["approval_policy=nope"] }), /^-c approval_policy: expected one of/);
  assert.match(await refused(place, { flags: { sandboxMode: "none" } }), /^--sandbox: expected one of read-only/);
  assert.match(await refused(place, { flags: { approvalPolicy: "x" } }), /^--ask-for-approval: expected one of/);
  place.write("home/config.toml", "profiles.q = 2\n");
  assert.equal(await refused(place, { profile: "q" }), `${path}: profiles.q: expected a table; got 2`);
});

test("an override above a mistake makes it harmless", async (t) => {
  const place = makePlace(t);
  place.write("home/config.toml", 'approval_policy = "bogus"');
  assert.equal((await loaded(place, { overrides: ["approval_policy=never"] })).approvalPolicy, "never");
});

test("home: BELAY_HOME, else CODEX_HOME, else .belay in HOME", async (t) => {
  const { cwd } = makePlace(t);
  const home = async (env: Record<string, string>) => {
    const result = await loadConfig({ env, cwd, overrides: [], flags: {} });
    return result.ok ? result.config.home : result.message;
  };
  assert.equal(await home({ BELAY_HOME: "/b", CODEX_HOME: "/c", HOME: "/h" }), "/b");
  assert.equal(await home({ BELAY_HOME: "", CODEX_HOME: "/c", HOME: "/h" }), "/c");
  assert.equal(await home({ HOME: "/h" }), "/h/.belay");
  assert.equal(await home({ BELAY_HOME: "here" }), join(cwd, "here"));
});

test("the folder to work in: -C from where the program started; it must be a folder", async (t) => {
  const place = makePlace(t);
  mkdirSync(join(place.cwd, "sub"));
  const file = place.write("work/file", "");
  assert.equal((await loaded(place, { flags: { cwd: "sub/../sub" } })).cwd, join(place.cwd, "sub"));
  assert.equal(await refused(place, { flags: { cwd: "file" } }), `${file}: is not a folder`);
  assert.equal(await refused(place, { flags: { cwd: "gone" } }), `${join(place.cwd, "gone")}: does not exist`);
});

test("instruction files start at the folder of the file that names them, of -c at the start folder", async (t) => {
  const place = makePlace(t);
  const toml = place.write("home/config.toml", 'experimental_instructions_file = "own.md"\n');
  const path = place.write("home/own.md", "\ufeffBe kind.\n");
  const config = await loaded(place);
  assert.deepEqual(config.instructionsFile, { path, text: "Be kind.\n" });
  assert.deepEqual(config.sources, [toml, path]);
  const other = place.write("work/here.md", "Here.");
  const byOverride = await loaded(place, { overrides: ["model_instructions_file=here.md"] });
  assert.deepEqual(byOverride.instructionsFile, { path: other, text: "Here." });
  rmSync(path);
  assert.equal(await refused(place), `${toml}: experimental_instructions_file: ${path}: does not exist`);
});

test("a folder that is not trusted is asked about most, unless a policy is set", async (t) => {
  const place = makePlace(t);
  mkdirSync(join(place.cwd, ".git"));
  mkdirSync(join(place.cwd, "sub"));
  place.write("home/config.toml", `[projects.${JSON.stringify(place.cwd)}]\ntrust_level = "untrusted"\n`);
  const inSub = await loaded(place, { flags: { cwd: "sub" } });
  assert.deepEqual([inSub.projectTrust, inSub.approvalPolicy], ["untrusted", "untrusted"]);
  const set = await loaded(place, { flags: { approvalPolicy: "never" } });
  assert.equal(set.approvalPolicy, "never");
  const sub = JSON.stringify(join(place.cwd, "sub"));
  const nearer = await loaded(place, { flags: { cwd: "sub" }, overrides: [`projects.${sub}.trust_level=trusted`] });
  assert.deepEqual([nearer.projectTrust, nearer.approvalPolicy], ["trusted", "on-request"]);
});

test("Codex's own settings of safety that are not known here are said, never dropped", async (t) => {
  const place = makePlace(t);
  const path = place.write(
    "home/config.toml",
    'default_permissions = "mine"\nsandbox_mode = "read-only"\napprovals_reviewer = "auto_review"\n',
  );
  const { warnings } = await loaded(place);
  assert.deepEqual(warnings, [
    `${path}: default_permissions: permission profiles are not known; sandbox_mode counts`,
    `${path}: approvals_reviewer: only "user" is known; approvals are asked of a person`,
  ]);
  assert.ok((await load(place, { overrides: ["approvals_reviewer=user"] })).ok);
});

test("without a config.toml the TOML parser is not loaded, nor for plain -c values", (t) => {
  const place = makePlace(t);
  // A copy of the room, and of what it stands on, where no package can be found.
  const copy = join(place.top, "src/config");
  for (const name of ["base", "config"]) {
    cpSync(fileURLToPath(new URL(`../../src/${name}`, import.meta.url)), join(place.top, "src", name), {
      recursive: true,
    });
  }
  place.write("package.json", '{"type":"module"}');
  const room = pathToFileURL(join(copy, "index.js")).href;
  const overrides = JSON.stringify([
    "model=o3",
    'approval_policy="never"',
    "hide_agent_reasoning=true",
    "tool_output_token_limit=5",
  ]);
  const call = `room.loadConfig({ env: { BELAY_HOME: home }, cwd, overrides: ${overrides}, flags: {} })`;
  const result = apart(place, call, room) as { config: Config };
  const { model, approvalPolicy, hideAgentReasoning, toolOutputTokenLimit } = result.config;
  assert.deepEqual([model, approvalPolicy, hideAgentReasoning, toolOutputTokenLimit], ["o3", "never", true, 5]);
  place.write("home/config.toml", "");
  assert.throws(() => apart(place, call, room), /smol-toml/, "the copy has no parser");
});
