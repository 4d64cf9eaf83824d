import type { Config } from "../../config/index.js";
import { applyPatchTool } from "./apply-patch.js";
import { execCommand } from "./exec-command.js";
import { shell } from "./shell.js";
import type { Tool } from "./tool.js";
import { updatePlan } from "./update-plan.js";
import { viewImage } from "./view-image.js";

/** The tools of a conversation, by name, in the order the model is told of them. */
export function toolsFor(_config: Config): ReadonlyMap<string, Tool> {
  const tools: readonly Tool[] = [execCommand, shell, applyPatchTool, updatePlan, viewImage];
  return new Map(tools.map((tool) => [tool.name, tool]));
}
