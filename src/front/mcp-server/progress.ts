import { shellJoin } from "../../base/index.js";
import type { EventMsg } from "../../protocol/index.js";
import type { Peer } from "../../rpc/index.js";
import { sanitise } from "../host/index.js";

export type ProgressToken = string | number;

/** How often a turn that says nothing is told to be alive, ms: clients give up a request after a minute of silence. */
const BEAT_MS = 10_000;

const MESSAGE_CHARACTERS = 200;

/**
 * Tells a client that asked for it how a call goes on: a notification for each step, and one now and then in between. Each
 * counts one more than the last sent; while the reader is slow none is sent, so that nothing piles up.
 */
export class Progress {
  readonly #peer: Peer;
  readonly #token: ProgressToken;
  readonly #beat: NodeJS.Timeout;
  #count = 0;

  constructor(peer: Peer, token: ProgressToken) {
    this.#peer = peer;
    this.#token = token;
    this.#beat = setInterval(() => this.#send(undefined), BEAT_MS);
  }

  take(msg: EventMsg): void {
    const step = stepOf(msg);
    if (step !== undefined) this.#send(shortened(step));
  }

  /** Nothing is sent from here on. */
  stop(): void {
    clearInterval(this.#beat);
  }

  #send(message: string | undefined): void {
    if (this.#peer.isStalled) return;
    this.#count += 1;
    const what = message === undefined ? {} : { message };
    void this.#peer.notify("notifications/progress", {
      progressToken: this.#token,
      progress: this.#count,
      ...what,
    });
  }
}

/** The step that an event tells of, in words; undefined for deltas, counts and ends. */
function stepOf(msg: EventMsg): string | undefined {
  switch (msg.type) {
    case "task_started":
      return "the turn has begun";
    case "agent_message":
      return msg.message;
    case "exec_command_begin":
      return `running ${shellJoin(msg.command)}`;
    case "exec_command_end":
      return `exit code ${msg.exit_code}`;
    case "exec_approval_request":
      return `asking whether to run ${shellJoin(msg.command)}`;
    case "apply_patch_approval_request":
      return `asking whether to change ${Object.keys(msg.changes).join(", ")}`;
    case "patch_apply_begin":
      return `changing ${Object.keys(msg.changes).join(", ")}`;
    case "view_image_tool_call":
      return `looking at ${msg.path}`;
    case "plan_update":
      return `plan: ${msg.plan.map(({ step, status }) => `${step} (${status.replace("_", " ")})`).join(", ")}`;
    case "background_event":
      return msg.message;
    default:
      return undefined;
  }
}

function shortened(text: string): string {
  const line = sanitise(text).replaceAll(/\s+/g, " ").trim();
  return line.length <= MESSAGE_CHARACTERS ? line : `${line.slice(0, MESSAGE_CHARACTERS)}…`;
}
