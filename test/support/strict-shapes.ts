import { isObject, type JsonObject } from "./model-server-checks.js";

/** What is wrong with an input item by the types of the openai package: a field that is missing, or one that is unknown. */
export interface ShapeFault {
  readonly kind: "missing" | "unknown";
  /** `content[0].annotations` */
  readonly path: string;
}

interface Shape {
  readonly needs: readonly string[];
  readonly takes: readonly string[];
}

const ANSWER: Shape = { needs: ["id", "type", "role", "status", "content"], takes: ["phase"] };
const MESSAGE: Shape = { needs: ["role", "content"], takes: ["type", "status"] };

const ITEMS: Readonly<Record<string, Shape>> = {
  reasoning: { needs: ["id", "type", "summary"], takes: ["content", "encrypted_content", "status"] },
  function_call: { needs: ["type", "call_id", "name", "arguments"], takes: ["id", "status", "namespace"] },
  custom_tool_call: { needs: ["type", "call_id", "name", "input"], takes: ["id", "namespace"] },
  function_call_output: { needs: ["type", "call_id", "output"], takes: ["id", "status"] },
  custom_tool_call_output: { needs: ["type", "call_id", "output"], takes: ["id"] },
};

const PARTS: Readonly<Record<string, Shape>> = {
  input_text: { needs: ["type", "text"], takes: [] },
  input_image: { needs: ["type", "detail"], takes: ["image_url", "file_id"] },
  output_text: { needs: ["type", "text", "annotations"], takes: ["logprobs"] },
  refusal: { needs: ["type", "refusal"], takes: [] },
  summary_text: { needs: ["type", "text"], takes: [] },
  reasoning_text: { needs: ["type", "text"], takes: [] },
};

export function shapeFaults(item: JsonObject): ShapeFault[] {
  const isMessage = item.type === "message" || item.type === undefined;
  const shape = isMessage ? (item.role === "assistant" ? ANSWER : MESSAGE) : ITEMS[String(item.type)];
  if (shape === undefined) return [{ kind: "unknown", path: "type" }];
  const lists = ["content", "summary", "output"].flatMap((name) => partFaults(name, item[name]));
  return [...faultsOf(item, shape), ...lists];
}

function partFaults(name: string, parts: unknown): ShapeFault[] {
  if (!Array.isArray(parts)) return [];
  return parts.flatMap((part, at) => {
    const shape = isObject(part) ? PARTS[String(part.type)] : undefined;
    const under = `${name}[${at}]`;
    if (shape === undefined) return [{ kind: "unknown" as const, path: `${under}.type` }];
    return faultsOf(part as JsonObject, shape).map(({ kind, path }) => ({ kind, path: `${under}.${path}` }));
  });
}

function faultsOf(value: JsonObject, { needs, takes }: Shape): ShapeFault[] {
  const missing = needs.filter((name) => value[name] === undefined || value[name] === null);
  const unknown = Object.keys(value).filter((name) => !needs.includes(name) && !takes.includes(name));
  return [
    ...missing.map((path) => ({ kind: "missing" as const, path })),
    ...unknown.map((path) => ({ kind: "unknown" as const, path })),
  ];
}
