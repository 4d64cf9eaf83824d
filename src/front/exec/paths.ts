import { isAbsolute, relative } from "node:path";

/** A path below `cwd` relative to it; others as they are. */
export function shortPath(path: string, cwd: string): string {
  if (!isAbsolute(path)) return path;
  const short = relative(cwd, path);
  return short === "" || short === ".." || short.startsWith("../") ? path : short;
}
