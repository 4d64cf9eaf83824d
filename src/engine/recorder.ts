import type { Config } from "../config/index.js";
import type { ResponseItem, RolloutItem } from "../protocol/index.js";
import { RolloutWriter } from "../rollout/index.js";
import type { Settings } from "./settings.js";
import type { EngineDeps } from "./types.js";

/** What a conversation writes to its session file, and the one notice when that stops working. */
export class Recorder {
  readonly #writer: RolloutWriter;
  readonly #meta: RolloutItem;
  #begun = false;
  #told = false;

  constructor(writer: RolloutWriter, meta: RolloutItem) {
    this.#writer = writer;
    this.#meta = meta;
  }

  get path(): string {
    return this.#writer.path;
  }

  write(...items: readonly RolloutItem[]): void {
    this.#writer.append(this.#begun ? items : [this.#meta, ...items]);
    this.#begun = true;
  }

  items(items: readonly ResponseItem[]): void {
    this.write(...items.map((payload): RolloutItem => ({ type: "response_item", payload })));
  }

  turn(turnId: string, settings: Settings): void {
    this.write({
      type: "turn_context",
      payload: {
        turn_id: turnId,
        cwd: settings.cwd,
        approval_policy: settings.approvalPolicy,
        sandbox_policy: settings.sandboxPolicy,
        model: settings.model,
        effort: settings.effort ?? null,
      },
    });
  }

  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** Why recording stopped; told once. */
  takeFailure(): string | undefined {
    const failure = this.#told ? undefined : this.#writer.failure;
    if (failure !== undefined) this.#told = true;
    return failure;
  }

  close(): void {
    this.#writer.close();
  }
}

/** The recorder of a new conversation: its file comes into being with the first line. */
export function recorderFor(init: {
  readonly id: string;
  readonly config: Config;
  readonly deps: EngineDeps;
}): Recorder {
  const { id, config, deps } = init;
  const writer = new RolloutWriter({ home: config.home, id, clock: deps.clock });
  return new Recorder(writer, {
    type: "session_meta",
    payload: {
      id,
      timestamp: new Date(deps.clock.now()).toISOString(),
      cwd: config.cwd,
      originator: "belay",
      cli_version: deps.version,
      model_provider: config.provider.id,
    },
  });
}
