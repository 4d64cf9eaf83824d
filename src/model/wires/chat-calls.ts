import type { CallItem } from "../../protocol/index.js";
import { asObject, type JsonObject, numberIn, objectIn, parseObject, stringIn } from "../json-fields.js";
import type { CallIds } from "./call-ids.js";
import { type ChatSealed, isGiven, type SealedFields } from "./chat-sealed.js";
import { isBlankJson, isSameJson, isWholeJson } from "./json-text.js";
import { Telling } from "./telling.js";
import { argumentsOf } from "./told-item.js";

interface Draft {
  readonly index: number | undefined;
  id: string;
  name: string;
  readonly args: Telling;
  readonly sealed: SealedFields;
  readonly sealedFunction: SealedFields;
}

/** What tells whether a piece belongs to a call; an empty text is nothing. */
interface Piece {
  readonly id: string;
  readonly name: string;
  /** The arguments in it. */
  readonly given: string;
}

interface Parts {
  readonly ids: CallIds;
  readonly sealed: ChatSealed;
  readonly names: ReadonlySet<string>;
}

/** The most calls of one answer: each piece is compared with them. */
const CALLS_LIMIT = 512;
/** What a piece has beside what its server alone can read; `name` and `arguments` stand here where it has no `function`. */
const OWN_FUNCTION_FIELDS = new Set(["name", "arguments", "input", "parameters"]);
const OWN_FIELDS = new Set(["index", "id", "type", "function", "custom", ...OWN_FUNCTION_FIELDS]);

/**
 * The tool calls of one response, put together from pieces told apart by `index`. Servers differ: the id and the name
 * may come once or with each piece, the index may be missing or 0 for every call, an id may be missing or used before, the
 * arguments may be an object, or come again as a whole. Each call comes out once, with an id no other call of the
 * conversation has.
 */
export class ChatCalls {
  readonly #ids: CallIds;
  readonly #sealed: ChatSealed;
  readonly #names: ReadonlySet<string>;
  readonly #drafts: Draft[] = [];
  #overflowed = false;

  /** `names`: of the tools that the model has. */
  constructor({ ids, sealed, names }: Parts) {
    this.#ids = ids;
    this.#sealed = sealed;
    this.#names = names;
  }

  get empty(): boolean {
    return this.#drafts.length === 0;
  }

  /** More calls came than any answer has. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** The calls of a delta: a list, or one call alone; true when it brought something. */
  take(value: unknown): boolean {
    const pieces = Array.isArray(value) ? value : listOf(asObject(value));
    let found = false;
    for (const raw of pieces) {
      const piece = asObject(raw);
      if (piece !== undefined && this.#add(piece)) found = true;
    }
    return found;
  }

  /** Why the calls cannot be taken for what the model asked, at an end that is told to be good; undefined where they can. */
  damage(): string | undefined {
    const nameless = this.#drafts.some((draft) => draft.name === "");
    if (nameless) return "a call came without its name";
    const cut = this.#drafts.find((draft) => draft.args.json().cut);
    return cut === undefined ? undefined : `the arguments of ${cut.name} were cut`;
  }

  /** In index order; names in `custom` come as calls of a custom tool. */
  items(custom: ReadonlySet<string>): CallItem[] {
    const inOrder = [...this.#drafts].sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
    return inOrder.map((draft) => {
      const call_id = this.#ids.own(draft.id);
      const { name } = draft;
      const sealed = this.#sealedOf(draft);
      if (custom.has(name)) return { type: "custom_tool_call", name, input: inputOf(draft.args), call_id, ...sealed };
      return { type: "function_call", name, arguments: draft.args.json().text, call_id, ...sealed };
    });
  }

  /** False for a piece with nothing new in it: some servers send these as a sign of life. */
  #add(piece: JsonObject): boolean {
    const inner = objectIn(piece, "function") ?? objectIn(piece, "custom");
    const target = inner ?? piece;
    const id = stringIn(piece, "id") ?? "";
    const name = stringIn(target, "name") ?? "";
    const told = target.arguments ?? target.input ?? target.parameters;
    const given = argumentsOf(told);
    if (id === "" && name === "" && given === "") return false;
    const before = this.#drafts.length;
    const draft = this.#draftFor(numberIn(piece, "index"), { id, name, given });
    if (id !== "") draft.id = id;
    // Some servers stream the name as well.
    if (name !== "") draft.name = this.#names.has(draft.name + name) ? draft.name + name : name;
    if (typeof told === "string") draft.args.add(given, undefined);
    else if (given !== "") draft.args.whole(given);
    for (const [key, value] of Object.entries(piece)) {
      if (!OWN_FIELDS.has(key) && isGiven(value)) this.#sealed.keep(draft.sealed, key, value);
    }
    for (const [key, value] of Object.entries(inner ?? {})) {
      if (!OWN_FUNCTION_FIELDS.has(key) && isGiven(value)) this.#sealed.keep(draft.sealedFunction, key, value);
    }
    return given !== "" || this.#drafts.length > before;
  }

  #draftFor(index: number | undefined, piece: Piece): Draft {
    const { id, name } = piece;
    const known = index === undefined ? this.#drafts.at(-1) : this.#drafts.findLast((draft) => draft.index === index);
    if (known !== undefined && !isNext(known, index, piece)) return known;
    const told = index === undefined && id !== "";
    const same = told ? this.#drafts.find((draft) => draft.id === id && isAgain(draft, piece)) : undefined;
    if (same !== undefined) return same;
    const draft = { index, id, name, args: new Telling(), sealed: new Map(), sealedFunction: new Map() };
    if (this.#drafts.length < CALLS_LIMIT) this.#drafts.push(draft);
    else this.#overflowed = true;
    return draft;
  }

  #sealedOf({ sealed, sealedFunction }: Draft): { readonly sealed?: Record<string, unknown> } {
    if (this.#sealed.overflowed || sealed.size + sealedFunction.size === 0) return {};
    const inner = sealedFunction.size === 0 ? [] : [["function", Object.fromEntries(sealedFunction)] as const];
    return { sealed: Object.fromEntries([...sealed, ...inner]) };
  }
}

/** One call, or calls by number. */
function listOf(value: JsonObject | undefined): readonly unknown[] {
  if (value === undefined) return [];
  const isOne = ["function", "name", "arguments", "id", "index"].some((key) => value[key] !== undefined);
  return isOne ? [value] : Object.values(value);
}

/** Whether a piece with a name begins another call than the one known at its place. */
function isNext(known: Draft, index: number | undefined, piece: Piece): boolean {
  const { id, name, given } = piece;
  if (name === "") return false;
  if (id !== "" && known.id !== "" && known.id !== id) return true;
  // Its name comes late.
  if (known.name === "") return false;
  const unnumbered = index === undefined && (id === "" || known.id !== id);
  // Reading all arguments so far with each piece would take a time that grows with their square.
  const mayBegin = name !== known.name || given.trimStart().startsWith("{");
  if (unnumbered || !mayBegin) return unnumbered;
  if (known.args.empty || isAgain(known, piece)) return false;
  const told = known.args.json().text;
  return isWholeJson(told) && (name !== known.name || (!isBlankJson(given) && !isBlankJson(told)));
}

/** The whole call told again. */
function isAgain(known: Draft, { name, given }: Piece): boolean {
  return known.name === name && !known.args.empty && isSameJson(known.args.json().text, given);
}

/** The one argument of a custom tool; a text that is not the JSON asked for is taken as the input itself. */
function inputOf(args: Telling): string {
  const { text } = args.json();
  return stringIn(parseObject(text), "input") ?? args.text();
}
