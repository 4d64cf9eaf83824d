import { isUtf8 } from "node:buffer";
import { statSync } from "node:fs";
import { isAbsolute, resolve, sep } from "node:path";
import type { AskForApproval, SandboxMode, SandboxPolicy } from "../protocol/index.js";
import { unusedKeys } from "./codex-keys.js";
import { commandEnvironment, readEnvironmentPolicy } from "./command-env.js";
import { findGitRoot } from "./git-root.js";
import { expandPath, findHome } from "./home.js";
import { find, type Settings } from "./layers.js";
import { DEFAULT_DOC_BYTES } from "./project-docs.js";
import { type ProjectSettings, readProjectSettings } from "./project-layers.js";
import { type ProviderChoice, readProvider } from "./provider.js";
import { addProblem, readBoolean, readChoice, readInteger, readName, readText, readTexts } from "./reader.js";
import { readRegularFile, reasonOf } from "./regular-file.js";
import { readRequestSettings } from "./request-settings.js";
import { readSources } from "./sources.js";
import type { Config, Env, Loaded, LoadInput } from "./types.js";

/** Asked where none is set. */
export const DEFAULT_MODEL = "gpt-6.1-sol";

const APPROVALS: readonly AskForApproval[] = ["untrusted", "on-failure", "on-request", "never"];
const SANDBOXES: readonly SandboxMode[] = ["read-only", "workspace-write", "danger-full-access"];
/** Years of work: what is past it has most likely been written by an accident. */
const DEFAULT_SESSION_BYTES = 10 * 1024 ** 3;
const MAX_INSTRUCTION_BYTES = 1024 * 1024;

/**
 * Everything the user set, in the order (the last wins): built in, variables (OPENAI_BASE_URL, CODEX_OSS_*), config.toml,
 * `[profiles.NAME]`, NAME.config.toml, the project's files where they are trusted, `-c`, flags. Tables are laid over each other key by key, arrays as a whole. Writes
 * nothing. Keys that are not known are passed over, as Codex does; those of Codex's that would change something are named in a
 * warning. Where a key is set wrong, or one that is not known says where or as whom requests go, nothing is loaded.
 */
export async function loadConfig(input: LoadInput): Promise<Loaded> {
  const home = findHome(input.env, input.cwd);
  if (home === undefined) return { ok: false, message: "no home folder: set BELAY_HOME or HOME" };
  const cwd = resolve(input.cwd, input.flags.cwd ?? ".");
  const wrong = wrongFolder(cwd);
  if (wrong !== undefined) return { ok: false, message: `${cwd}: ${wrong}` };
  const sources = await readSources(input, home);
  if (!sources.ok) return sources;
  const problems = new Set<string>();
  const { typed, stored } = sources;
  const projectTrust = readTrustLevel({ layers: [...typed, ...stored], problems }, cwd);
  // Said to be untrusted in so many words, a project is not even asked.
  const project = projectTrust === "untrusted" ? NO_PROJECT : await readProjectSettings({ env: input.env, home, cwd });
  if (!project.ok) return project;
  const settings: Settings = { layers: [...typed, ...project.layers, ...stored], problems };
  const files = [...sources.files, ...project.sources];
  const config = readConfig(settings, { env: input.env, home, cwd, files, projectTrust, project });
  if (config !== undefined && settings.problems.size === 0) return { ok: true, config };
  return { ok: false, message: [...settings.problems].join("\n") };
}

interface Place {
  readonly env: Env;
  readonly home: string;
  readonly cwd: string;
  readonly files: readonly string[];
  readonly projectTrust: Config["projectTrust"];
  readonly project: Pick<ProjectSettings & { readonly ok: true }, "files" | "warnings">;
}

const NO_PROJECT: ProjectSettings = { ok: true, layers: [], sources: [], files: [], warnings: [] };

function readConfig(settings: Settings, { env, home, cwd, files, projectTrust, project }: Place): Config | undefined {
  const choice = readProvider(settings, env);
  const warnings = [...project.warnings];
  const sandboxPolicy = readSandbox(settings, { env, warnings });
  const approvalPolicy = readApproval(settings, { projectTrust, warnings });
  const instructionsFile = readInstructions(settings, env);
  const values = {
    ...readLimits(settings),
    ...readRequestSettings(settings, warnings),
    hideAgentReasoning: readBoolean(settings, ["hide_agent_reasoning"]) ?? false,
    showRawAgentReasoning: readBoolean(settings, ["show_raw_agent_reasoning"]) ?? false,
    projectDocFallbackNames: readFallbackNames(settings),
    developerInstructions: readText(settings, ["developer_instructions"]),
    compactPrompt: readText(settings, ["compact_prompt"]),
    commandEnv: commandEnvironment(env, readEnvironmentPolicy(settings)),
  };
  const model = readModel(settings, choice?.ownModel);
  if (choice === undefined) return undefined;
  const { provider, openaiAuth, missingKey } = choice;
  const unused = [...unusedKeys(settings), ...choice.unusedKeys];
  if (unused.length > 0) warnings.push(`not used by Belay yet: ${unused.join(", ")}`);
  return {
    ...{ home, cwd, model, provider, openaiAuth, missingKey, approvalPolicy, sandboxPolicy, projectTrust },
    ...values,
    instructionsFile,
    projectFiles: project.files.map(({ path, text }) => ({ path, text })),
    sources: instructionsFile === undefined ? files : [...files, instructionsFile.path],
    warnings,
  };
}

function wrongFolder(path: string): string | undefined {
  try {
    return statSync(path).isDirectory() ? undefined : "is not a folder";
  } catch (error) {
    // Not there, or not to be looked at: either way no place to work in, and the user is told which.
    return reasonOf(error);
  }
}

/** A provider with a model of its own takes another only from the layer that chose the provider, or a higher one. */
function readModel(settings: Settings, ownModel: ProviderChoice["ownModel"]): string {
  const model = readName(settings, ["model"]);
  if (ownModel === undefined) return model ?? DEFAULT_MODEL;
  const rank = (key: string) => settings.layers.findIndex((layer) => Object.hasOwn(layer.table, key));
  return model !== undefined && rank("model") <= rank("model_provider") ? model : ownModel;
}

function readLimits(settings: Settings) {
  return {
    contextWindow: readInteger(settings, ["model_context_window"], { min: 1 }),
    autoCompactTokenLimit: readInteger(settings, ["model_auto_compact_token_limit"], { min: 1 }),
    toolOutputTokenLimit: readInteger(settings, ["tool_output_token_limit"], { min: 1 }) ?? 10_000,
    projectDocMaxBytes: readInteger(settings, ["project_doc_max_bytes"], { min: 0 }) ?? DEFAULT_DOC_BYTES,
    containFullAccess: readBoolean(settings, ["contain_full_access"]) ?? true,
    allowPartialSandbox: readBoolean(settings, ["allow_partial_sandbox"]) ?? false,
    keepBackgroundProcesses: readBoolean(settings, ["keep_background_processes"]) ?? false,
    commandTimeoutMs: readInteger(settings, ["command_timeout_ms"], { min: 1, max: 2 ** 31 - 1 }),
    sessionLimits: {
      maxBytes: limitOf(readInteger(settings, ["sessions", "max_bytes"], { min: 0 }) ?? DEFAULT_SESSION_BYTES),
      keepDays: limitOf(readInteger(settings, ["sessions", "keep_days"], { min: 0 }) ?? 0),
    },
  } satisfies Partial<Config>;
}

/** 0 is no limit. */
function limitOf(value: number): number | undefined {
  return value === 0 ? undefined : value;
}

/** Asked of the user's own layers alone. */
function readTrustLevel(settings: Settings, cwd: string): Config["projectTrust"] {
  for (const folder of [cwd, findGitRoot(cwd)]) {
    if (folder === undefined) continue;
    const trust = readChoice(settings, ["projects", folder, "trust_level"], ["trusted", "untrusted"]);
    if (trust !== undefined) return trust;
  }
  return undefined;
}

/** A folder that is not trusted gets the strictest policy, where none is set. */
function readApproval(
  settings: Settings,
  { projectTrust, warnings }: { readonly projectTrust: Config["projectTrust"]; readonly warnings: string[] },
): AskForApproval {
  const reviewer = find(settings, ["approvals_reviewer"]);
  if (reviewer !== undefined && reviewer.value !== "user") {
    warnings.push(
      `${reviewer.layer.name(["approvals_reviewer"])}: only "user" is known; approvals are asked of a person`,
    );
  }
  const byTrust = projectTrust === "untrusted" ? "untrusted" : "on-request";
  return readChoice(settings, ["approval_policy"], APPROVALS) ?? byTrust;
}

function readSandbox(
  settings: Settings,
  { env, warnings }: { readonly env: Env; readonly warnings: string[] },
): SandboxPolicy {
  const at = (key: string) => ["sandbox_workspace_write", key];
  const mode = readChoice(settings, ["sandbox_mode"], SANDBOXES);
  // Read in every mode: a mistake in what a sandbox lets through must not wait for the day it is used.
  const workspace = {
    writable_roots: readRoots(settings, env),
    network_access: readBoolean(settings, at("network_access")) ?? false,
    exclude_tmpdir_env_var: readBoolean(settings, at("exclude_tmpdir_env_var")) ?? false,
    exclude_slash_tmp: readBoolean(settings, at("exclude_slash_tmp")) ?? false,
  };
  const permissions = find(settings, ["default_permissions"]);
  if (permissions !== undefined) {
    const name = permissions.layer.name(["default_permissions"]);
    // A permission profile may be stricter than any mode: without a mode it must not be passed over.
    if (find(settings, ["sandbox_mode"]) === undefined) {
      settings.problems.add(`${name}: permission profiles are not known; set sandbox_mode: ${SANDBOXES.join(", ")}`);
    } else warnings.push(`${name}: permission profiles are not known; sandbox_mode counts`);
  }
  return mode === "workspace-write" ? { mode, ...workspace } : { mode: mode ?? "read-only" };
}

function readRoots(settings: Settings, env: Env): string[] {
  const roots = readTexts(settings, ["sandbox_workspace_write", "writable_roots"], {
    expected: "absolute paths (or ones that start with ~/)",
    test: (path) => (isAbsolute(path) || path === "~" || path.startsWith("~/")) && !path.includes("\0"),
  });
  return (roots ?? []).map((root) => expandPath(root, { env, folder: sep }));
}

function readFallbackNames(settings: Settings): readonly string[] {
  const names = readTexts(settings, ["project_doc_fallback_filenames"], {
    expected: "names of files, without a path",
    test: (name) => name !== "" && name !== "." && name !== ".." && !/[/\\\0]/.test(name),
  });
  return names ?? [];
}

/** A relative path starts at the folder of the file that names it; of `-c`, where the program was started. */
function readInstructions(settings: Settings, env: Env): Config["instructionsFile"] {
  const keys = [["model_instructions_file"], ["experimental_instructions_file"]];
  const key = keys.find((path) => find(settings, path) !== undefined);
  const named = key === undefined ? undefined : readName(settings, key);
  if (key === undefined || named === undefined) return undefined;
  const path = expandPath(named, { env, folder: find(settings, key)!.layer.folder });
  const file = readRegularFile(path, MAX_INSTRUCTION_BYTES);
  const wrong =
    file.type === "missing"
      ? "does not exist"
      : file.type === "refused"
        ? file.why
        : file.more
          ? `is larger than ${MAX_INSTRUCTION_BYTES} bytes`
          : !isUtf8(file.bytes)
            ? "is not UTF-8 text"
            : undefined;
  if (file.type !== "read" || wrong !== undefined) {
    addProblem(settings, key, `${path}: ${wrong}`);
    return undefined;
  }
  return { path, text: file.bytes.toString("utf8").replace(/^\ufeff/, "") };
}
