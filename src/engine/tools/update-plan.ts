import * as v from "valibot";
import { argumentsReader } from "./arguments.js";
import type { Tool } from "./tool.js";

const STATUSES = ["pending", "in_progress", "completed"] as const;

const read = argumentsReader(
  v.object({
    explanation: v.optional(v.nullable(v.string())),
    plan: v.array(v.object({ step: v.string(), status: v.picklist(STATUSES) })),
  }),
);

/** `update_plan`: the model's list of steps, shown to the user. */
export const updatePlan: Tool = {
  name: "update_plan",
  spec: {
    type: "function",
    name: "update_plan",
    description:
      "Shows the user the plan of a longer task and how far it is. Give the whole list each time; one step in progress.",
    parameters: {
      type: "object",
      properties: {
        explanation: { type: "string", description: "Why the plan changed, if it did." },
        plan: {
          type: "array",
          items: {
            type: "object",
            properties: { step: { type: "string" }, status: { type: "string", enum: STATUSES } },
            required: ["step", "status"],
            additionalProperties: false,
          },
        },
      },
      required: ["plan"],
      additionalProperties: false,
    },
  },
  parallel: () => false,
  run: async (call, context) => {
    const args = read(call.arguments);
    if (!args.ok) return { status: "failed", output: args.message };
    const { explanation, plan } = args.value;
    void context.emit({ type: "plan_update", explanation: explanation ?? null, plan });
    return { status: "done", output: "Plan updated" };
  },
};
