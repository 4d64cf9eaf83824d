import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, writeFile } from "node:fs/promises";
import { devNull, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

type Env = Readonly<Record<string, string | undefined>>;

/** A throw-away project with a bug and a test that shows it. */
export interface DemoProject {
  /** The project; absolute, links resolved. */
  readonly folder: string;
  /** Beside it, for what Belay itself keeps; empty. */
  readonly home: string;
  /** Undefined when the project is a git repository with one commit; else why it is not, for people. */
  readonly withoutGit: string | undefined;
}

/** Longest run of one git command, ms. */
const GIT_TIMEOUT_MS = 10_000;

const README = `# Booking

When is the room free? \`booking.mjs\` knows, \`npm test\` checks it. One of the checks fails.

Belay made this folder for its demo. Nothing else refers to it: delete it when you have seen enough.
`;

const SOURCE = `// Stays in one room. A stay runs from the evening of \`arrive\` to the morning of \`leave\`, both ISO dates.

/** Whether two stays need the room in the same night. */
export function overlaps(a, b) {
  return a.arrive <= b.leave && b.arrive <= a.leave;
}

/** Whether the room is free for a stay, beside the stays that are booked. */
export function isFree(stay, booked) {
  return booked.every((other) => !overlaps(stay, other));
}

/** The nights of a stay. */
export function nights({ arrive, leave }) {
  return Math.round((Date.parse(leave) - Date.parse(arrive)) / 86_400_000);
}
`;

const TEST = `import { isFree, nights } from "./booking.mjs";

const booked = [{ arrive: "2025-05-10", leave: "2025-05-14" }];

const checks = [
  ["a stay inside of another one is refused", isFree({ arrive: "2025-05-11", leave: "2025-05-12" }, booked), false],
  ["a stay around another one is refused", isFree({ arrive: "2025-05-01", leave: "2025-05-30" }, booked), false],
  ["a guest may arrive on the day another one leaves", isFree({ arrive: "2025-05-14", leave: "2025-05-16" }, booked), true],
  ["a guest may leave on the day another one arrives", isFree({ arrive: "2025-05-08", leave: "2025-05-10" }, booked), true],
  ["nights are counted across months", nights({ arrive: "2025-05-30", leave: "2025-06-02" }), 3],
];

let passed = 0;
for (const [name, got, wanted] of checks) {
  if (got === wanted) passed += 1;
  console.log(got === wanted ? \`ok    \${name}\` : \`FAIL  \${name}\\n      expected \${wanted}, got \${got}\`);
}
console.log(\`\${passed} of \${checks.length} checks passed\`);
process.exitCode = passed === checks.length ? 0 : 1;
`;

/**
 * Makes the project in a new folder for temporary files, which is left for a look. Its files need Node alone: the `node`
 * of PATH, or where there is none the one that runs this program. Without git it is a plain folder.
 */
export async function makeDemoProject(options: { readonly env: Env; readonly node: string }): Promise<DemoProject> {
  const { env, node } = options;
  const root = await realpath(await mkdtemp(join(env.TMPDIR || tmpdir(), "belay-demo-")));
  const [folder, home] = [join(root, "booking"), join(root, "home")];
  for (const path of [folder, home]) await mkdir(path);
  for (const [name, text] of filesOf(hasNode(env) ? "node" : `"${node}"`)) await writeFile(join(folder, name), text);
  return { folder, home, withoutGit: await makeRepository(folder, env) };
}

/** What has changed in the project since it was made: git's diff, or without git the lines that differ. "" for nothing. */
export async function diffDemoProject(project: DemoProject, options: { readonly env: Env }): Promise<string> {
  const { folder, withoutGit } = project;
  if (withoutGit === undefined)
    return (await git(["diff", "--no-color", "--no-ext-diff"], { folder, env: options.env })).stdout;
  const parts = await Promise.all(
    [["booking.mjs", SOURCE] as const, ["test.mjs", TEST] as const].map(async ([name, before]) =>
      plainDiff(name, before, await readFile(join(folder, name), "utf8")),
    ),
  );
  return parts.join("");
}

function filesOf(node: string): readonly (readonly [string, string])[] {
  const manifest = { name: "booking", private: true, type: "module", scripts: { test: `${node} test.mjs` } };
  return [
    ["README.md", README],
    ["package.json", `${JSON.stringify(manifest, undefined, 2)}\n`],
    ["booking.mjs", SOURCE],
    ["test.mjs", TEST],
  ];
}

function hasNode(env: Env): boolean {
  return (env.PATH ?? "").split(delimiter).some((dir) => {
    try {
      if (dir !== "") accessSync(join(dir, "node"), constants.X_OK);
      return dir !== "";
    } catch {
      // Not in this folder of PATH.
      return false;
    }
  });
}

async function makeRepository(folder: string, env: Env): Promise<string | undefined> {
  try {
    await git(["init", "--quiet", "--template="], { folder, env });
    await git(["add", "--all"], { folder, env });
    await git(["commit", "--quiet", "--message", "A room to book, and a check that fails"], { folder, env });
    return undefined;
  } catch (error) {
    // No git on this machine, or one that can't: the demo goes on without a repository, and says so.
    const { code, stderr = "", message } = error as NodeJS.ErrnoException & { readonly stderr?: string };
    return code === "ENOENT" ? "git is not installed" : (stderr.trim() || message).split("\n")[0]!;
  }
}

/** Runs git as on a machine where nobody has configured anything: no user settings, no hooks, no surrounding repository. */
function git(
  args: readonly string[],
  { folder, env }: { readonly folder: string; readonly env: Env },
): Promise<{ readonly stdout: string }> {
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("GIT_")));
  const author = { NAME: "Belay demo", EMAIL: "demo@belay.invalid" };
  return promisify(execFile)(
    "git",
    ["-c", `core.hooksPath=${devNull}`, "-c", "init.defaultBranch=main", "-c", "core.autocrlf=false", ...args],
    {
      cwd: folder,
      timeout: GIT_TIMEOUT_MS,
      env: {
        ...own,
        GIT_CONFIG_GLOBAL: devNull,
        GIT_CONFIG_SYSTEM: devNull,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_TERMINAL_PROMPT: "0",
        GIT_AUTHOR_NAME: author.NAME,
        GIT_AUTHOR_EMAIL: author.EMAIL,
        GIT_COMMITTER_NAME: author.NAME,
        GIT_COMMITTER_EMAIL: author.EMAIL,
      },
    },
  );
}

/** The lines from the first that differs to the last. */
function plainDiff(name: string, before: string, after: string): string {
  if (before === after) return "";
  const [old, now] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < Math.min(old.length, now.length) && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const part = (lines: readonly string[], sign: string) =>
    lines.slice(head, lines.length - tail).map((line) => `${sign}${line}\n`);
  return [`--- a/${name}\n+++ b/${name}\n`, ...part(old, "-"), ...part(now, "+")].join("");
}
