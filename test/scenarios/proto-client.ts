import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import {
  decodeEvent,
  type Event,
  type EventMsg,
  type EventOf,
  isTerminal,
  type Op,
  type TerminalMsg,
} from "../../src/protocol/index.js";
import type { WireName } from "../support/model-frames.js";
import type { ModelServer } from "../support/model-server.js";
import { type Ended, openScene, type Place, type Program, type Scene, type StartOptions } from "../support/program.js";
import { checkStopContract } from "../support/stop-contract.js";
import { Lookout } from "../support/waiting.js";

/** `belay proto` under test: ops go in, and all that comes out is an event that the protocol knows. */
export interface ProtoClient {
  readonly program: Program;
  readonly place: Place;
  readonly server: ModelServer;
  readonly events: readonly Event[];
  /** Submits an op; returns the id given. */
  send(id: string, op: Op): string;
  /** Starts a turn with a text, or steers the one that runs. */
  say(id: string, text: string): string;
  /** The first event, past or to come, that fits; fails after 10 s. */
  until<T extends EventMsg["type"]>(type: T, fits?: (msg: EventOf<T>, event: Event) => boolean): Promise<EventOf<T>>;
  /** The terminal event of a turn. */
  end(turnId: string): Promise<TerminalMsg>;
  /** Event types of a submission, deltas left out. */
  types(id: string): string[];
  /** Runs when the event arrives, before anything else is read. */
  onEvent(listener: (event: Event) => void): void;
  /** Ends stdin (unless the run has ended) and checks the stop contract of all that came. */
  finish(): Promise<Ended>;
}

/** In a scene of its own, unless one is given. */
export async function openProto(
  t: TestContext,
  options: { wire?: WireName; scene?: Scene } & Pick<StartOptions, "env" | "user" | "program" | "under"> = {},
): Promise<ProtoClient> {
  const { place, server, start } = options.scene ?? (await openScene(t, options));
  const { env = {}, user, program: file, under } = options;
  const program = start(["proto"], {
    ...{ stdin: "open", env, user },
    ...(file === undefined ? {} : { program: file }),
    ...(under === undefined ? {} : { under }),
  });
  const events: Event[] = [];
  const interrupts: string[] = [];
  const wrong: string[] = [];
  const listeners = new Set<(event: Event) => void>();
  const lookout = new Lookout(() => events.map(({ id, msg }) => `${id} ${msg.type}`).join(", "));
  program.onLine((line) => {
    const decoded = decodeEvent(JSON.parse(line));
    if (!decoded.ok) {
      wrong.push(`${decoded.message}: ${line}`);
      return;
    }
    events.push(decoded.value);
    for (const listener of [...listeners]) listener(decoded.value);
    lookout.look();
  });
  const waitFor = <T>(what: string, find: () => T | undefined) => lookout.until({ what, find });
  const send = (id: string, op: Op): string => {
    if (op.type === "interrupt") interrupts.push(id);
    program.stdin.write(`${JSON.stringify({ id, op })}\n`);
    return id;
  };
  return {
    program,
    place,
    server,
    events,
    send,
    say: (id, text) => send(id, { type: "user_input", items: [{ type: "text", text }] }),
    until: <T extends EventMsg["type"]>(type: T, fits: (msg: EventOf<T>, event: Event) => boolean = () => true) =>
      waitFor(type, () => {
        const found = events.find((event) => event.msg.type === type && fits(event.msg as EventOf<T>, event));
        return found?.msg as EventOf<T> | undefined;
      }),
    end: (turnId) =>
      waitFor(`end of turn ${turnId}`, () => {
        const found = events.find(({ id, msg }) => id === turnId && isTerminal(msg));
        return found?.msg as TerminalMsg | undefined;
      }),
    types: (id) =>
      events.filter((event) => event.id === id && !event.msg.type.endsWith("_delta")).map(({ msg }) => msg.type),
    onEvent: (listener) => void listeners.add(listener),
    finish: async () => {
      program.stdin.end();
      const done = await program.ended;
      assert.deepEqual(wrong, []);
      assert.equal(events[0]?.msg.type, "session_configured");
      checkStopContract(events, interrupts);
      return done;
    },
  };
}
