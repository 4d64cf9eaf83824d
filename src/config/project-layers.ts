import { dirname } from "node:path";
import { shellQuote } from "../base/index.js";
import { dotted, type Layer } from "./layers.js";
import type { ProjectFile, ProjectPlace } from "./project-files.js";
import { effectOf, goneFrom, isSettings, type JudgedFolder, judgeProject, parseSettings } from "./project-trust.js";

/** What the project adds to the settings, and what of it is left out. */
export type ProjectSettings =
  | {
      readonly ok: true;
      /** Highest first: the folder nearest to the cwd wins. */
      readonly layers: readonly Layer[];
      /** Paths of the `config.toml` files that count, lowest first. */
      readonly sources: readonly string[];
      /** The other files that count, from the git root down. */
      readonly files: readonly ProjectFile[];
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

/** Keys named in one warning. */
const MOST_KEYS = 8;

/**
 * The settings of a project that the user trusted, in the content they have now. All else is passed over with a warning that
 * says what it would do. A mistake in a file that is trusted is a mistake as in the user's own.
 */
export async function readProjectSettings(place: ProjectPlace): Promise<ProjectSettings> {
  const { folders, storeProblem } = judgeProject(place);
  const [layers, sources, files, warnings]: [Layer[], string[], ProjectFile[], string[]] = [[], [], [], []];
  for (const folder of folders) {
    if (folder.state !== "trusted") {
      warnings.push(await describeIgnored(folder));
      continue;
    }
    for (const file of folder.files) {
      if (!isSettings(file)) {
        files.push(file);
        continue;
      }
      const parsed = await parseSettings(file);
      if (!parsed.ok) return parsed;
      const { path } = file;
      layers.unshift({ table: parsed.allowed, name: (key) => `${path}: ${dotted(key)}`, folder: dirname(path) });
      sources.push(path);
      if (parsed.refused.length > 0) {
        warnings.push(`${path}: a project may not set ${listKeys(parsed.refused)}; this is passed over`);
      }
    }
  }
  if (storeProblem !== undefined && warnings.length > 0) {
    warnings.push(`what you have trusted is not known: ${storeProblem}`);
  }
  return { ok: true, layers, sources, files, warnings };
}

/** One line for people: which files are left out, what they would do, and how to change that. */
async function describeIgnored(folder: JudgedFolder): Promise<string> {
  const { state, files, unreadable } = folder;
  const named = await Promise.all(files.map(describeFile));
  const gone = goneFrom(folder).map(([name]) => name);
  if (gone.length > 0) named.push(`${gone.join(", ")} (not there any more)`);
  const what = [...named, ...unreadable.map(({ path, why }) => `${path}: ${why}`)].join(", ");
  const command = `belay trust ${quote(folder.folder)}`;
  if (state === "unreadable") {
    return `the settings in ${folder.folder} are ignored, as not all can be read: ${what}`;
  }
  if (state === "changed") {
    return `the settings in ${folder.folder} are ignored, as they are not what you trusted any more: ${what}; to see the difference and trust them: ${command}`;
  }
  return `the settings in ${folder.folder} are ignored, as you have not trusted them: ${what}; to see and trust them: ${command}`;
}

async function describeFile(file: ProjectFile): Promise<string> {
  const effect = await effectOf(file);
  if (effect === undefined) return file.name;
  if (effect.wrong !== undefined) return `${file.name} (no TOML)`;
  if (effect.sets.length === 0) return `${file.name} (would set nothing)`;
  return `${file.name} (would set ${listKeys(effect.sets.map(({ key }) => key))})`;
}

function listKeys(keys: readonly string[]): string {
  const shown = keys.slice(0, MOST_KEYS).map((key) => (key.length > 80 ? `${key.slice(0, 80)}…` : key));
  const more = keys.length - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}

/** A path as a shell takes it. */
function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : shellQuote(path);
}
