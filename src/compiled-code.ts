import { mkdirSync } from "node:fs";
import * as nodeModule from "node:module";
import { isAbsolute, join } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Has Node (from 22.8 on) keep what V8 made of the program's files in `compile-cache/` of the home folder: the next start
 * reads that in place of compiling. Only in a home folder that is there already; one that can't be written costs nothing. Node
 * checks what it reads against the files, and NODE_DISABLE_COMPILE_CACHE=1 turns it off.
 */
export function keepCompiledCode(env: Env): void {
  const { enableCompileCache } = nodeModule as { enableCompileCache?: (folder: string) => unknown };
  const home = env.BELAY_HOME || env.CODEX_HOME || (env.HOME && join(env.HOME, ".belay"));
  // A relative one may be a folder of the project's.
  if (enableCompileCache === undefined || !home || !isAbsolute(home)) return;
  const folder = join(home, "compile-cache");
  try {
    // Not by Node, which would make the home folder too, and below /proc would try for ever.
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return;
  }
  enableCompileCache(folder);
}
