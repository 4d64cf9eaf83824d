import * as v from "valibot";
import { type Decoded, type Fields, isRecord, nearJson, nearNames, plainName } from "../../protocol/index.js";
import { argumentsReader, problemOf } from "./arguments.js";
import type { Tool } from "./tool.js";

const STATUSES = ["pending", "in_progress", "completed"] as const;

const schema = v.object({
  explanation: v.optional(v.nullable(v.string())),
  plan: v.array(v.object({ step: v.string(), status: v.picklist(STATUSES) })),
});

const read = argumentsReader(
  { tool: "update_plan", schema },
  {
    aliases: { steps: "plan", items: "plan", todos: "plan", tasks: "plan", todolist: "plan", reason: "explanation" },
    fieldsOf: (value) => (Array.isArray(value) ? { plan: value } : undefined),
    adapt: withSteps,
  },
);

/** Other words for how far a step is; as `plainName` has them. */
const STATUS_WORDS: Readonly<Record<string, (typeof STATUSES)[number]>> = {
  ...{ pending: "pending", todo: "pending", open: "pending", notstarted: "pending", planned: "pending" },
  ...{ inprogress: "in_progress", doing: "in_progress", active: "in_progress", ongoing: "in_progress" },
  ...{ started: "in_progress", current: "in_progress", wip: "in_progress" },
  ...{ completed: "completed", complete: "completed", done: "completed", finished: "completed" },
};

const STEP_NAMES = {
  names: ["step", "status"],
  aliases: {
    ...{ title: "step", description: "step", content: "step", task: "step", name: "step", text: "step" },
    state: "status",
  },
};

/** The fields with steps as they should be; one step alone may stand in the place of the list. */
function withSteps(fields: Fields): Decoded<Fields> {
  const step = nearNames(fields, STEP_NAMES);
  const alone = fields.plan === undefined && step.ok && typeof step.value.step === "string";
  const plan = alone ? [fields] : typeof fields.plan === "string" ? nearJson(fields.plan) : fields.plan;
  if (!Array.isArray(plan)) return { ok: true, value: fields };
  const steps: unknown[] = [];
  for (const [at, item] of plan.entries()) {
    const named = typeof item === "string" ? { ok: true as const, value: { step: item } } : stepOf(item);
    if (!named.ok) return { ok: false, message: `plan[${at}]: ${named.message}` };
    steps.push({ status: "pending", ...named.value });
  }
  return { ok: true, value: { ...fields, plan: steps } };
}

function stepOf(item: unknown): Decoded<Fields> {
  if (!isRecord(item)) return { ok: false, message: "expected an object with step and status" };
  const named = nearNames(item, STEP_NAMES);
  if (!named.ok) return named;
  const { status, ...rest } = named.value;
  if (status === undefined || status === null) return { ok: true, value: rest };
  const word = typeof status === "string" ? plainName(status.trim()) : "";
  return { ok: true, value: { ...rest, status: Object.hasOwn(STATUS_WORDS, word) ? STATUS_WORDS[word] : status } };
}

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
  problem: (text) => problemOf(read(text)),
  parallel: () => false,
  run: async (call, context) => {
    const args = read(call.arguments);
    if (!args.ok) return { status: "failed", output: args.message };
    const { explanation, plan } = args.value;
    void context.emit({ type: "plan_update", explanation: explanation ?? null, plan });
    return { status: "done", output: "Plan updated" };
  },
};
