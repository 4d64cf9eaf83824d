import type { Random } from "../../base/index.js";
import { isCall } from "../../protocol/index.js";
import type { ModelRequest } from "../types.js";

/** An id for a call that came without one. */
export function newCallId(random: Random): string {
  return `call_${Buffer.from(random(12)).toString("hex")}`;
}

/** Ids of calls that no other call of the conversation has: the server's own where they are, else made here. */
export class CallIds {
  readonly #taken: Set<string>;
  readonly #random: Random;

  constructor(request: ModelRequest, random: Random) {
    this.#taken = new Set(request.input.filter(isCall).map((call) => call.call_id));
    this.#random = random;
  }

  own(id: string): string {
    const own = id !== "" && !this.#taken.has(id) ? id : newCallId(this.#random);
    this.#taken.add(own);
    return own;
  }
}
