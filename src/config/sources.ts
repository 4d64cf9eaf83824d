import { isUtf8 } from "node:buffer";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { dotted, find, type KeyPath, keysOf, type Layer, type Settings, type Table } from "./layers.js";
import { parseOverrides } from "./override.js";
import { readName } from "./reader.js";
import { readRegularFile } from "./regular-file.js";
import { parseToml } from "./toml.js";
import type { LoadInput } from "./types.js";

/**
 * The user's own layers, highest first in both parts, and the files they came from, lowest first; or why they could not be
 * read. Between what was `typed` and what is `stored` stand those of a project.
 */
export type Sources =
  | {
      readonly ok: true;
      readonly typed: readonly Layer[];
      readonly stored: readonly Layer[];
      readonly files: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

const MAX_CONFIG_BYTES = 1024 * 1024;
const PROFILE_FILE = ".config.toml";

/** Flags, `-c`, the profile's file, the profile's table, config.toml: a higher one wins, key by key. */
export async function readSources(input: LoadInput, home: string): Promise<Sources> {
  const overrides = await parseOverrides(input.overrides);
  if (!overrides.ok) return overrides;
  const typed: Layer = { table: overrides.table, name: (path) => `-c ${dotted(path)}`, folder: input.cwd };
  const main = await readTomlFile(join(home, "config.toml"));
  if (main.type === "wrong") return { ok: false, message: main.message };
  const base: Settings = {
    layers: main.type === "read" ? [typed, fileLayer(main, home)] : [typed],
    problems: new Set(),
  };
  const profile = await readProfile(base, { home, name: input.profile });
  if (!profile.ok) return profile;
  return {
    ok: true,
    typed: [flagLayer(input), typed],
    stored: [...profile.layers, ...base.layers.slice(1)],
    files: [...(main.type === "read" ? [main.path] : []), ...profile.files],
  };
}

type TomlFile =
  | { readonly type: "read"; readonly path: string; readonly table: Table }
  | { readonly type: "missing" }
  | { readonly type: "wrong"; readonly message: string };

async function readTomlFile(path: string): Promise<TomlFile> {
  const file = readRegularFile(path, MAX_CONFIG_BYTES);
  if (file.type === "missing") return file;
  if (file.type === "refused") return { type: "wrong", message: `${path}: ${file.why}` };
  if (file.more) return { type: "wrong", message: `${path}: is larger than ${MAX_CONFIG_BYTES} bytes` };
  if (!isUtf8(file.bytes)) return { type: "wrong", message: `${path}: is not UTF-8 text` };
  const parsed = await parseToml(file.bytes.toString("utf8"));
  if (parsed.ok) return { type: "read", path, table: parsed.table };
  return { type: "wrong", message: `${path}:${parsed.line}:${parsed.column}: ${parsed.message}` };
}

function fileLayer(file: { readonly path: string; readonly table: Table }, folder: string): Layer {
  return { table: file.table, name: (path) => `${file.path}: ${dotted(path)}`, folder };
}

function flagLayer({ flags, cwd }: LoadInput): Layer {
  const provider = flags.modelProvider ?? (flags.oss === true ? "oss" : undefined);
  const values = {
    model: flags.model,
    model_provider: provider,
    approval_policy: flags.approvalPolicy,
    sandbox_mode: flags.sandboxMode,
  };
  const names: Readonly<Record<string, string>> = {
    model: "--model",
    model_provider: flags.modelProvider === undefined ? "--oss" : "--model-provider",
    approval_policy: "--ask-for-approval",
    sandbox_mode: "--sandbox",
  } satisfies Record<keyof typeof values, string>;
  const table = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  return { table, name: (path) => names[path[0]!] ?? dotted(path), folder: cwd };
}

type Profile =
  | { readonly ok: true; readonly layers: readonly Layer[]; readonly files: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** A profile is a table `[profiles.NAME]`, a file `NAME.config.toml` in the home folder, or both: then the file is on top. */
async function readProfile(
  base: Settings,
  options: { readonly home: string; readonly name: string | undefined },
): Promise<Profile> {
  const name = options.name ?? readName(base, ["profile"]);
  // `-c profiles.NAME.key=value` may add to a profile, or make one.
  const tables = name === undefined ? [] : base.layers.flatMap((layer) => profileLayer(base, { layer, name }));
  if (base.problems.size > 0) return { ok: false, message: [...base.problems].join("\n") };
  if (name === undefined) return { ok: true, layers: [], files: [] };
  const path = join(options.home, `${name}${PROFILE_FILE}`);
  // A name with a slash must not lead out of the home folder; it can still be a table's.
  const isFileName = name !== "" && basename(path) === `${name}${PROFILE_FILE}`;
  const file = isFileName ? await readTomlFile(path) : { type: "missing" as const };
  if (file.type === "wrong") return { ok: false, message: file.message };
  if (file.type === "read") {
    return { ok: true, layers: [fileLayer(file, options.home), ...tables], files: [file.path] };
  }
  if (tables.length > 0) return { ok: true, layers: tables, files: [] };
  const known = knownProfiles(base, options.home);
  const list = known.length === 0 ? "there are none" : `known are ${known.join(", ")}`;
  const from = options.name !== undefined ? "--profile" : find(base, ["profile"])?.layer.name(["profile"]);
  return { ok: false, message: `${from}: unknown profile ${JSON.stringify(name)}; ${list}` };
}

function profileLayer(
  base: Settings,
  { layer, name }: { readonly layer: Layer; readonly name: string },
): readonly Layer[] {
  const one: Settings = { layers: [layer], problems: base.problems };
  const prefix: KeyPath = ["profiles", name];
  if (!keysOf(one, ["profiles"]).includes(name)) return [];
  const entries = keysOf(one, prefix);
  const whole = (layer.table.profiles as Table)[name] as Table;
  const table = Object.assign(Object.create(null), Object.fromEntries(entries.map((key) => [key, whole[key]])));
  return [{ table, name: (path) => layer.name([...prefix, ...path]), folder: layer.folder }];
}

function knownProfiles(base: Settings, home: string): string[] {
  return [...new Set([...keysOf(base, ["profiles"]), ...profileFiles(home)])].sort().slice(0, 30);
}

function profileFiles(home: string): string[] {
  try {
    return readdirSync(home)
      .filter((name) => name.endsWith(PROFILE_FILE) && name !== PROFILE_FILE)
      .map((name) => name.slice(0, -PROFILE_FILE.length));
  } catch {
    // No folder, no profiles: the list is only a help in a message.
    return [];
  }
}
