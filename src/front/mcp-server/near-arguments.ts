import { type Decoded, type Fields, isRecord, nearJson, nearNames, nearValue } from "../../protocol/index.js";
import type { codexArguments, replyArguments } from "./tools.js";

/**
 * The arguments of a tool with what hosts write differently, where it can mean one thing alone: names in another case,
 * truths as text, `config` as the JSON text of an object, a prompt in parts, empty options. All else is left for the decoder to refuse.
 */
export function nearArguments(schema: typeof codexArguments | typeof replyArguments, given: Fields): Decoded<Fields> {
  const named = nearNames(given, { names: Object.keys(schema.entries) });
  if (!named.ok) return named;
  const { prompt, config, ...others } = nearValue(schema, named.value) as Fields;
  const fields = {
    ...(prompt === undefined ? {} : { prompt: promptText(prompt) }),
    ...(config === undefined ? {} : { config: nearConfig(config) }),
    // Some hosts fill in every field: an option with nothing in it is none.
    ...Object.fromEntries(Object.entries(others).map(([name, value]) => [name, value === "" ? null : value])),
  };
  return { ok: true, value: fields };
}

function nearConfig(config: unknown): unknown {
  if (typeof config !== "string") return config;
  return /^\s*(?:null)?\s*$/.test(config) ? null : (nearJson(config) ?? config);
}

/** The params of `tools/call` with arguments that came as the JSON text of an object. */
export function nearCall(params: unknown): unknown {
  if (!isRecord(params) || typeof params.arguments !== "string") return params;
  const json = nearJson(params.arguments);
  return isRecord(json) ? { ...params, arguments: json } : params;
}

/** The text of a prompt in text parts, a line for each; any other value as it is. */
function promptText(prompt: unknown): unknown {
  const texts = (Array.isArray(prompt) ? prompt : [prompt]).map(textOfPart);
  return texts.length === 0 || texts.includes(undefined) ? prompt : texts.join("\n");
}

function textOfPart(part: unknown): string | undefined {
  return isRecord(part) && part.type === "text" && typeof part.text === "string" ? part.text : undefined;
}
