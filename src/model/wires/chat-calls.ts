import type { CallItem } from "../../protocol/index.js";
import { type JsonObject, numberIn, objectIn, parseObject, stringIn } from "../json-fields.js";

interface Draft {
  readonly index: number | undefined;
  id: string;
  name: string;
  arguments: string;
}

/**
 * The tool calls of one response, put together from pieces told apart by `index`. Servers differ: the id and the name
 * may come once or with each piece, the index may be missing or 0 for every call, an id may be missing or used before.
 * Each call comes out with an id no other call of the conversation has.
 */
export class ChatCalls {
  readonly #taken: Set<string>;
  readonly #makeId: () => string;
  readonly #drafts: Draft[] = [];

  constructor(taken: Set<string>, makeId: () => string) {
    this.#taken = taken;
    this.#makeId = makeId;
  }

  add(piece: JsonObject): void {
    const target = objectIn(piece, "function");
    const id = stringIn(piece, "id") ?? "";
    const name = stringIn(target, "name") ?? "";
    const draft = this.#draftFor(numberIn(piece, "index"), id, name);
    if (id !== "") draft.id = id;
    if (name !== "") draft.name = name;
    draft.arguments += stringIn(target, "arguments") ?? "";
  }

  /** In index order; names in `custom` come as calls of a custom tool. */
  items(custom: ReadonlySet<string>): CallItem[] {
    const inOrder = [...this.#drafts].sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
    return inOrder.map((draft) => {
      const call_id = this.#ownId(draft.id);
      const { name } = draft;
      if (custom.has(name)) return { type: "custom_tool_call", name, input: inputOf(draft.arguments), call_id };
      return { type: "function_call", name, arguments: draft.arguments === "" ? "{}" : draft.arguments, call_id };
    });
  }

  #draftFor(index: number | undefined, id: string, name: string): Draft {
    const known = index === undefined ? this.#drafts.at(-1) : this.#drafts.findLast((draft) => draft.index === index);
    const another = known !== undefined && id !== "" && name !== "" && known.id !== "" && known.id !== id;
    const unnumbered = known !== undefined && index === undefined && name !== "" && (id === "" || known.id !== id);
    if (known !== undefined && !another && !unnumbered) return known;
    const draft = { index, id, name, arguments: "" };
    this.#drafts.push(draft);
    return draft;
  }

  #ownId(id: string): string {
    const own = id === "" || this.#taken.has(id) ? this.#makeId() : id;
    this.#taken.add(own);
    return own;
  }
}

/** The one argument of a custom tool; a text that is not the JSON asked for is taken as the input itself. */
function inputOf(args: string): string {
  return stringIn(parseObject(args), "input") ?? args;
}
