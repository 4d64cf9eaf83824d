import type { Compat, Provider } from "../protocol/index.js";
import type { Failure } from "./failure.js";
import { OPTIONAL } from "./refusal-texts.js";
import type { ModelRequest } from "./types.js";

/** What a server takes, settled: the settings, then what its refusals taught, then what is assumed of an unknown one. */
export interface Habits {
  readonly roles: NonNullable<Compat["roles"]>;
  readonly system: NonNullable<Compat["system"]>;
  readonly callIds: NonNullable<Compat["callIds"]>;
  readonly thoughts: NonNullable<Compat["thoughts"]>;
  readonly signatures: boolean;
  /** The role of the developer's messages, on the wire that has one. */
  readonly developer: NonNullable<Compat["system"]>;
  readonly without: readonly string[];
  /** Fields of items that are left out. */
  readonly itemsWithout: readonly string[];
}

/**
 * What a server's refusals taught about it, in this process and for the model asked last. A second refusal of the same kind
 * teaches nothing, and is the user's to see.
 */
export class Learned {
  readonly #without = new Set<string>();
  readonly #itemsWithout = new Set<string>();
  #roles: Compat["roles"];
  #system: Compat["system"];
  #thoughts: Compat["thoughts"];
  #signatures = false;
  #model: string | undefined;

  /** What a request does differently from now on, in words for the user; undefined when the refusal teaches nothing. */
  learn({ unsupported, itemField, badRole, wants }: Failure, habits: Habits): string | undefined {
    const field = optionalOf(unsupported);
    if (field !== undefined && !this.#without.has(field)) {
      this.#without.add(field);
      return `${field} is not sent any more`;
    }
    if (itemField !== undefined && !this.#itemsWithout.has(itemField)) {
      this.#itemsWithout.add(itemField);
      return `${itemField} is not sent with items any more`;
    }
    if (badRole === "alternation" && habits.roles === "free") {
      this.#roles = "strict";
      return "messages are put so that user and assistant take turns";
    }
    if (wants === "thoughts" && habits.thoughts !== "required") {
      this.#thoughts = "required";
      return "the model's thoughts are sent back with each of its calls";
    }
    if (wants === "signatures" && !habits.signatures) {
      this.#signatures = true;
      return "calls without a signature say so";
    }
    return badRole === undefined || badRole === "alternation" ? undefined : this.#takeRole(badRole, habits);
  }

  /** From the role of developers to that of systems to that of users. */
  #takeRole(badRole: "system" | "developer" | "unnamed", { system, developer }: Habits): string | undefined {
    const isLast = system === "user" || (badRole === "developer" && developer !== "developer");
    if (isLast) return undefined;
    const next = badRole === "developer" || (badRole === "unnamed" && system === "developer") ? "system" : "user";
    this.#system = next;
    return `the instructions are sent in the role ${next}`;
  }

  /** Another model has all to be learnt anew. */
  habits({ compat, wireApi }: Provider, { info, model }: ModelRequest): Habits {
    if (this.#model !== model) this.#forget(model);
    return {
      roles: this.#roles ?? compat.roles ?? (wireApi === "responses" ? "free" : "strict"),
      system: this.#system ?? compat.system ?? "system",
      callIds: compat.callIds ?? "any",
      thoughts: this.#thoughts ?? compat.thoughts ?? (info.needsThoughts === true ? "required" : "sent"),
      signatures: this.#signatures || info.needsSignatures === true,
      developer: this.#system ?? compat.system ?? "developer",
      without: [...(compat.without ?? []), ...this.#without],
      itemsWithout: [...this.#itemsWithout],
    };
  }

  #forget(model: string): void {
    this.#model = model;
    this.#without.clear();
    this.#itemsWithout.clear();
    this.#signatures = false;
    this.#roles = undefined;
    this.#system = undefined;
    this.#thoughts = undefined;
  }
}

/** The field to be left out, where it, or the one that it is in, is one that requests can do without. */
function optionalOf(unsupported: string | undefined): string | undefined {
  if (unsupported === undefined || OPTIONAL.has(unsupported)) return unsupported;
  // Beside the verbosity, the format of the answer is in it: that is needed.
  if (unsupported === "text") return "text.verbosity";
  const [top = ""] = unsupported.split(".", 1);
  return OPTIONAL.has(top) ? top : undefined;
}

/** The fields of a body with the user's own over them, but for those that are never sent (`reasoning.summary`: inside another). */
export function settledFields(
  fields: Readonly<Record<string, unknown>>,
  { extraBody }: Provider,
  { without }: Habits,
): Record<string, unknown> {
  const settled: Record<string, unknown> = { ...fields, ...extraBody };
  for (const path of without) {
    const [name = "", inner] = path.split(".");
    const value = settled[name];
    if (inner === undefined) delete settled[name];
    else if (typeof value === "object" && value !== null) {
      const { [inner]: _, ...rest } = value as Record<string, unknown>;
      if (Object.values(rest).every((value) => value === undefined)) delete settled[name];
      else settled[name] = rest;
    }
  }
  return settled;
}
