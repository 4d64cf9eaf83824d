import { isObject, type JsonObject } from "./model-server-checks.js";
import { openAiError } from "./strict-chat.js";
import { faultOfItems, itemsOf, responseEvents } from "./strict-responses.js";
import { type Answer, type Asked, type Denial, Ledger, type StrictProvider } from "./strict-server.js";
import { shapeFaults } from "./strict-shapes.js";

/** Servers of the Responses API. */

/** Of an item that OpenAI made: what it said beside its text, and the thought that has to stand before it. */
interface Made {
  readonly thought: string | undefined;
  readonly phase: unknown;
  readonly kind: string;
}

/**
 * OpenAI itself, nothing stored: ids by kind, thoughts sealed for the model that had them, each before what came of it, no
 * field that the API does not know.
 */
export function openAi(account = "0c3876fcd4da19ef00692a14046bc8"): StrictProvider {
  const ledger = new Ledger();
  const made = new Map<string, Made>();
  /** Sealed thoughts, with the model they were sealed for. */
  const sealedFor = new Map<string, unknown>();
  let count = 0;
  const newId = (prefix: string) => {
    count += 1;
    return `${prefix}_${account}${String(count).padStart(6, "0")}`;
  };
  const judge = (asked: Asked): Denial | undefined => {
    const sealed = asked.input.map(({ encrypted_content }) => encrypted_content).filter((text) => text !== undefined);
    const foreign = sealed.find((text) => sealedFor.get(String(text)) !== asked.body.model);
    const found =
      faultOfFields(asked.body) ??
      faultOfItems(asked) ??
      unknownField(asked) ??
      (foreign === undefined ? missingThought(asked, made) : notVerified(foreign));
    if (found !== undefined) return found;
    for (const item of asked.input) {
      const own = made.get(String(item.id));
      if (own?.phase !== undefined && own.phase !== item.phase) return openAiError(`${String(item.id)} lost its phase`);
      ledger.take(item.id);
      ledger.take(item.encrypted_content);
      ledger.take(item.call_id);
    }
    return undefined;
  };
  const tell = (answer: Answer, asked: Asked) => {
    const seal = (thought: string) => {
      const sealed = `gAAAA${Buffer.from(`${account} ${count} ${thought}`).toString("base64url")}`;
      sealedFor.set(sealed, asked.body.model);
      const summary = [{ type: "summary_text", text: thought }];
      return { type: "reasoning", id: newId("rs"), summary, encrypted_content: sealed };
    };
    const items = itemsOf(answer, asked, { id: newId, reasoning: seal, phases: true });
    let thought: string | undefined;
    for (const item of items) {
      const id = String(item.id);
      if (item.type === "reasoning") thought = id;
      made.set(id, { thought: thought === id ? undefined : thought, phase: item.phase, kind: String(item.type) });
      // The answer that ends a script has no request after it.
      if ((answer.uses ?? []).length === 0) continue;
      for (const field of ["id", "call_id", "encrypted_content"])
        if (item[field] !== undefined) ledger.give(String(item[field]));
    }
    return responseEvents(items, { n: count, total: answer.total ?? 100 });
  };
  return { judge, tell, owed: () => ledger.owed(), own: () => [...made.keys(), ...sealedFor.keys()] };
}

function faultOfFields(body: JsonObject): Denial | undefined {
  if (body.store !== false) return openAiError("Store must be set to false");
  const include = Array.isArray(body.include) ? body.include : [];
  if (!include.includes("reasoning.encrypted_content"))
    return openAiError("nothing is stored, and thoughts are not asked for");
  const tools = Array.isArray(body.tools) ? body.tools.filter(isObject) : [];
  const bad = tools.find((tool) => !/^[a-zA-Z0-9_-]+$/.test(String(tool.name)));
  return bad === undefined ? undefined : openAiError(`Invalid 'tools[0].name': ${String(bad.name)}`);
}

function unknownField(asked: Asked): Denial | undefined {
  for (const [at, item] of asked.input.entries()) {
    const fault = shapeFaults(item).find(({ kind }) => kind === "unknown");
    if (fault === undefined) continue;
    return openAiError(`Unknown parameter: 'input[${at}].${fault.path}'.`, { code: "unknown_parameter" });
  }
  return undefined;
}

function notVerified(sealed: unknown): Denial {
  const start = String(sealed).slice(0, 8);
  const words = `The encrypted content ${start}... could not be verified. Reason: Encrypted content could not be decrypted or parsed.`;
  return openAiError(words, { code: "invalid_encrypted_content" });
}

/** A thought is followed by what came of it, and what came of a thought has it somewhere before. */
function missingThought({ input }: Asked, made: ReadonlyMap<string, Made>): Denial | undefined {
  const seen = new Set<unknown>();
  for (const [at, item] of input.entries()) {
    if (item.type === "reasoning") {
      seen.add(item.id);
      const next = made.get(String(input[at + 1]?.id));
      if (next?.thought === item.id) continue;
      return openAiError(
        `Item '${String(item.id)}' of type 'reasoning' was provided without its required following item.`,
      );
    }
    const own = made.get(String(item.id));
    if (own?.thought === undefined || seen.has(own.thought)) continue;
    return openAiError(
      `Item '${String(item.id)}' of type '${own.kind}' was provided without its required 'reasoning' item: '${own.thought}'.`,
    );
  }
  return undefined;
}

/** Azure before OpenAI's models: a version in the query, the key in a header of its own. */
export function azure(key: string): StrictProvider {
  const inner = openAi();
  const refuse = (status: number, words: string): Denial => ({
    status,
    words,
    body: { error: { code: String(status), message: words } },
  });
  return {
    ...inner,
    judge: (asked) => {
      if (!/\?api-version=\d{4}-\d\d-\d\d/.test(asked.path)) return refuse(404, "Resource not found");
      if (asked.headers["api-key"] === key) return inner.judge(asked);
      return refuse(401, "Access denied due to invalid subscription key or wrong API endpoint.");
    },
  };
}

/** vLLM: items are checked by the types of the openai package, thoughts come in plain text, tools are functions. */
export function vllm(): StrictProvider {
  const ledger = new Ledger();
  const ids: string[] = [];
  let count = 0;
  const newId = (prefix: string) => {
    count += 1;
    return `${prefix}_${"b1946ac92492d2347c6235b4d2611184".slice(0, 12)}${count}`;
  };
  const judge = (asked: Asked): Denial | undefined => {
    for (const [at, item] of asked.input.entries()) {
      const [fault] = shapeFaults(item);
      if (fault !== undefined) return invalid([...["body", "input", String(at)], fault.path], fault.kind);
      if (item.encrypted_content !== undefined) return invalid(["Encrypted content is not supported."], "unknown");
    }
    const tools = Array.isArray(asked.body.tools) ? asked.body.tools.filter(isObject) : [];
    if (tools.some((tool) => tool.type !== "function")) return invalid(["body", "tools", "type"], "unknown");
    const usual = faultOfItems(asked);
    if (usual !== undefined) return usual;
    for (const item of asked.input) {
      const [part] = Array.isArray(item.content) ? item.content : [];
      if (item.type === "reasoning" && isObject(part)) ledger.take(part.text);
      ledger.take(item.call_id);
    }
    return undefined;
  };
  const tell = (answer: Answer, asked: Asked) => {
    const isOwed = (answer.uses ?? []).length > 0;
    const reasoning = (thought: string) => {
      const text = isOwed ? ledger.give(`${thought} (${count})`) : thought;
      return { type: "reasoning", id: newId("rs"), summary: [], content: [{ type: "reasoning_text", text }] };
    };
    const items = itemsOf(answer, asked, { id: newId, reasoning, phases: false });
    ids.push(...items.map(({ id }) => String(id)));
    for (const { call_id } of items) if (isOwed && call_id !== undefined) ledger.give(String(call_id));
    return responseEvents(items, { n: count, total: answer.total ?? 100 });
  };
  return { judge, tell, owed: () => ledger.owed(), own: () => ids };
}

function invalid(loc: readonly string[], kind: "missing" | "unknown"): Denial {
  const msg = kind === "missing" ? "Field required" : "Extra inputs are not permitted";
  const words = `1 validation error: {'type': '${kind}', 'loc': ('${loc.join("', '")}'), 'msg': '${msg}'}`;
  return { status: 400, words, body: { error: { message: words, type: "Bad Request", param: null, code: 400 } } };
}
