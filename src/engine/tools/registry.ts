import { applyPatchTool } from "./apply-patch.js";
import { execCommand } from "./exec-command.js";
import { shell } from "./shell.js";
import type { Tool } from "./tool.js";
import { updatePlan } from "./update-plan.js";
import { viewImage } from "./view-image.js";
import { writeStdin } from "./write-stdin.js";

/** The tools that models are told of, in this order. One of them runs commands: a choice between two is made badly. */
export const OFFERED: readonly Tool[] = [execCommand, writeStdin, applyPatchTool, updatePlan, viewImage];

/** The tools of every conversation, by name: those that are offered, and `shell`, which models know from Codex and call anyway. */
export const TOOLS: ReadonlyMap<string, Tool> = new Map([...OFFERED, shell].map((tool) => [tool.name, tool]));

/** Whether calls of this name can be run. */
export function isOwnTool(name: string): boolean {
  return TOOLS.has(name);
}
