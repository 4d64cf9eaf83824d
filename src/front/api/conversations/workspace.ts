import { resolve } from "node:path";
import { Cancelled } from "../../../base/index.js";
import type { ApiDeps } from "../deps.js";
import { runForClient } from "../workspace/client-command.js";
import { type Commands, commandsFor } from "../workspace/commands.js";
import { type FoundFile, searchFiles } from "../workspace/file-search.js";
import { gitDiffToRemote } from "../workspace/git-diff.js";
import { configFor } from "./config.js";
import { invalidRequest, type Mount } from "./mount.js";
import type { Params, Result } from "./schema.js";

/** Looking at folders, and commands beside conversations. All of it ends with its request. */
export function mountWorkspace(mount: Mount, deps: ApiDeps): void {
  mount("execOneOffCommand", (params, { signal }) => runCommand(params, deps, signal));
  mount("gitDiffToRemote", (params, { signal }) => diffToRemote(params, deps, signal));
  const searches = new Searches(deps);
  mount("fuzzyFileSearch", (params, { signal }) => searches.run(params, signal));
}

async function openCommands(deps: ApiDeps): Promise<Commands> {
  const config = await configFor({}, deps);
  return commandsFor(deps.engine, config);
}

async function runCommand(
  { command, cwd, timeoutMs, sandboxPolicy }: Params<"execOneOffCommand">,
  deps: ApiDeps,
  signal: AbortSignal,
): Promise<Result<"execOneOffCommand">> {
  const wanted = {
    argv: command,
    cwd: resolve(deps.cwd, cwd ?? "."),
    timeoutMs: timeoutMs ?? undefined,
    policy: sandboxPolicy ?? undefined,
  };
  const end = await runForClient(wanted, { commands: await openCommands(deps), signal });
  if (!end.ok) throw invalidRequest(`the command was not run: ${end.reason}`);
  return { exitCode: end.code, stdout: end.stdout, stderr: end.stderr };
}

async function diffToRemote(
  { cwd }: Params<"gitDiffToRemote">,
  deps: ApiDeps,
  signal: AbortSignal,
): Promise<Result<"gitDiffToRemote">> {
  const diff = await gitDiffToRemote(resolve(deps.cwd, cwd), { commands: await openCommands(deps), signal });
  if (diff.ok) return { sha: diff.sha, diff: diff.diff };
  throw invalidRequest(`failed to compute git diff to remote for cwd: ${JSON.stringify(cwd)}: ${diff.reason}`);
}

/** Searches for files; of those with one token the last one counts. */
class Searches {
  readonly #deps: ApiDeps;
  readonly #byToken = new Map<string, AbortController>();

  constructor(deps: ApiDeps) {
    this.#deps = deps;
  }

  async run(
    { query, roots, cancellationToken: token }: Params<"fuzzyFileSearch">,
    signal: AbortSignal,
  ): Promise<Result<"fuzzyFileSearch">> {
    const own = new AbortController();
    if (token != null) this.#replace(token, own);
    const search = { query, roots: roots.map((root) => ({ root, at: resolve(this.#deps.cwd, root) })) };
    try {
      const commands = await openCommands(this.#deps);
      const files = await searchFiles(search, { commands, signal: AbortSignal.any([own.signal, signal]) });
      return { files: files.map(wireFile) };
    } catch (error) {
      // Another search took its place: nobody looks at what this one found, but its request has its answer.
      if (error instanceof Cancelled && own.signal.aborted) return { files: [] };
      throw error;
    } finally {
      if (token != null && this.#byToken.get(token) === own) this.#byToken.delete(token);
    }
  }

  #replace(token: string, search: AbortController): void {
    this.#byToken.get(token)?.abort(new Cancelled({ kind: "replaced" }));
    this.#byToken.set(token, search);
  }
}

function wireFile({ root, path, name, score, indices }: FoundFile): Result<"fuzzyFileSearch">["files"][number] {
  return { root, path, match_type: "file", file_name: name, score, indices: [...indices] };
}
