import { posix } from "node:path";
import type { Source } from "./source.js";

/** What a rule has against a file, as a line for people. */
export type Fault = string;

/** A room imports from lower floors only. */
export const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  protocol: 1,
  rpc: 1,
  config: 2,
  login: 2,
  model: 2,
  process: 2,
  sandbox: 2,
  patch: 2,
  rules: 2,
  checkpoint: 2,
  rollout: 2,
  "mcp-client": 2,
  engine: 3,
  // What a front end sees of the process it runs in: the ground that the front ends stand on.
  "front/host": 4,
  "front/apply-patch": 5,
  "front/exec": 5,
  "front/proto": 5,
  "front/rules": 5,
  "front/sessions": 5,
  "front/trust": 5,
  "front/sandbox": 5,
  "front/doctor": 5,
  "front/undo": 5,
  "front/replay": 5,
  "front/tui": 5,
  "front/api": 5,
  "front/mcp-server": 5,
  main: 6,
};

/** Rooms of one floor that may import each other in this direction all the same. */
const SAME_FLOOR: readonly string[] = ["sandbox -> process", "front/mcp-server -> front/api"];

/** Packages that the program may hold, and what for. */
export const PACKAGES: Readonly<Record<string, string>> = {
  commander: "the command line",
  valibot: "shapes at the borders",
  "smol-toml": "config.toml",
  diff: "unified diffs",
  "web-tree-sitter": "reads shell scripts, with the grammar of tree-sitter-bash",
  "@cfworker/json-schema": "--output-schema: checks the final message",
};

const FORBIDDEN_MODULES: Readonly<Record<string, string>> = {
  readline: "it splits lines on U+2028 too: use LineSplitter of base",
};

/** Where each way to reach around what a function is given is in order: path prefixes. */
const RESERVED: Readonly<Record<string, readonly string[]>> = {
  "process.exit": ["src/main.ts"],
  "process.exitCode": ["src/main.ts"],
  "process.abort": [],
  "process.env": ["src/main.ts", "src/front/host/"],
  // A patch and a session ask whether the program that left a journal or a lock behind is still alive.
  "process.kill": ["src/process/", "src/base/owner.ts"],
  // How long a process ran, how long a patch has kept the event loop: measured where it happens, no part of a result.
  "performance.now": ["src/main.ts", "src/front/host/", "src/process/", "src/patch/"],
  // What a patch finds on disk has the system's own times.
  "Date.now": ["src/main.ts", "src/front/host/", "src/process/", "src/patch/"],
  "new Date()": ["src/main.ts"],
  "Math.random": [],
};

const FORBIDDEN_WORDS = new Set("util utils helper helpers manager managers common misc".split(" "));
const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 60;

/** The room of a file below `src/`; files directly in it are the program's own entrance. */
export function roomOf(path: string): string {
  const [, first = "", second = "", ...rest] = path.split("/");
  if (second === "") return "main";
  return first === "front" && rest.length > 0 ? `front/${second}` : first;
}

/** Floors and doors: only downwards, only through the other room's index.ts. */
export function checkRooms({ path, imports }: Source): Fault[] {
  const from = roomOf(path);
  return imports
    .filter(({ specifier }) => specifier.startsWith("."))
    .flatMap(({ specifier, line }) => {
      const target = posix.join(posix.dirname(path), specifier).replace(/\.js$/, ".ts");
      const to = roomOf(target);
      if (!target.startsWith("src/")) return [`${path}:${line}: ${specifier} is outside of src`];
      if (to === from) return [];
      const faults: Fault[] = [];
      if (!isBelow(to, from)) faults.push(`${path}:${line}: ${from} may not import ${to}: it is not on a lower floor`);
      if (target !== `src/${to}/index.ts`) faults.push(`${path}:${line}: ${specifier} is not the door of ${to}`);
      return faults;
    });
}

function isBelow(to: string, from: string): boolean {
  const [target, own] = [FLOORS[to], FLOORS[from]];
  if (target === undefined || own === undefined) return false;
  return target < own || SAME_FLOOR.includes(`${from} -> ${to}`);
}

/** Every room has its floor. */
export function checkFloor({ path }: Source): Fault[] {
  return FLOORS[roomOf(path)] === undefined ? [`${path}: the room ${roomOf(path)} has no floor`] : [];
}

/** Modules of Node by their `node:` names, and packages that were chosen; `installed`: those of package.json. */
export function checkPackages({ path, imports }: Source, installed: ReadonlySet<string>): Fault[] {
  return imports
    .filter(({ specifier }) => !specifier.startsWith("."))
    .flatMap(({ specifier, line }) => {
      const at = `${path}:${line}: ${specifier}`;
      if (specifier.startsWith("node:")) {
        const why = FORBIDDEN_MODULES[specifier.slice(5).split("/")[0]!];
        return why === undefined ? [] : [`${at}: ${why}`];
      }
      const name = specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
      if (PACKAGES[name] === undefined) return [`${at} is no package that was chosen`];
      return installed.has(name) ? [] : [`${at} is not in package.json`];
    });
}

/** Time, chance, environment and the end of the process come from those who own them. */
export function checkUses({ path, uses }: Source): Fault[] {
  return uses
    .filter(({ name }) => RESERVED[name]?.some((prefix) => path.startsWith(prefix)) === false)
    .map(({ name, line }) => `${path}:${line}: ${name} is not for here`);
}

export function checkSizes({ path, lineCount, functions }: Source): Fault[] {
  const long = functions
    .filter((one) => one.lineCount > MAX_FUNCTION_LINES)
    .map(
      ({ name, line, lineCount: lines }) => `${path}:${line}: ${name} has ${lines} lines, over ${MAX_FUNCTION_LINES}`,
    );
  return lineCount > MAX_FILE_LINES ? [`${path}: ${lineCount} lines, over ${MAX_FILE_LINES}`, ...long] : long;
}

/** Kebab-case, and no name that could hold anything. */
export function checkName({ path }: Source): Fault[] {
  return path.split("/").flatMap((part) => {
    const name = part.replace(/\.ts$/, "");
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return [`${path}: ${part} is not kebab-case`];
    return name.split("-").some((word) => FORBIDDEN_WORDS.has(word)) ? [`${path}: ${part} says nothing`] : [];
  });
}
