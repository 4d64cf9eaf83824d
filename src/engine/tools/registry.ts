import { applyPatchTool } from "./apply-patch.js";
import { execCommand } from "./exec-command.js";
import { shell } from "./shell.js";
import type { Tool } from "./tool.js";
import { updatePlan } from "./update-plan.js";
import { viewImage } from "./view-image.js";
import { writeStdin } from "./write-stdin.js";

const ALL: readonly Tool[] = [execCommand, writeStdin, shell, applyPatchTool, updatePlan, viewImage];

/** The tools of every conversation, by name, in the order the model is told of them. */
export const TOOLS: ReadonlyMap<string, Tool> = new Map(ALL.map((tool) => [tool.name, tool]));

/** Whether calls of this name can be run. */
export function isOwnTool(name: string): boolean {
  return TOOLS.has(name);
}
