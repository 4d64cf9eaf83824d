import { sep } from "node:path";
import { realPath } from "../base/index.js";

/** Whether what a path leads to lies in a folder, links and all. What can't be placed does not. */
export function staysInside(path: string, folder: string): boolean {
  const [real, root] = [realPath(path), realPath(folder)];
  if (real === undefined || root === undefined) return false;
  return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep);
}
