import { expandPath } from "../../config/index.js";
import type { ToolContext } from "./tool.js";

/** The folder that a command is to run in: the current one where none is named, a leading `~` as the command's shell has it. */
export function folderOf(workdir: string | null | undefined, { settings, env }: ToolContext): string {
  return expandPath(workdir ?? ".", { env, folder: settings.cwd });
}
