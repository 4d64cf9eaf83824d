import { randomFillSync } from "node:crypto";
import type { FrontDeps, Input, Output } from "../../src/front/host/index.js";
import { fakeEngine, type Step } from "./fake-engine.js";
import type { Place } from "./run-program.js";

/** A front end's surroundings without a process of its own; what is written is kept. */
export function fakeDeps(options: {
  readonly place: Place;
  readonly script: readonly Step[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}): FrontDeps & { readonly written: { stdout: string; stderr: string } } {
  const { place, script } = options;
  const written = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr"): Output => ({
    isTTY: false,
    broken: false,
    write(text) {
      written[name] += text;
    },
    onBroken: () => () => {},
  });
  const stdin: Input = {
    kind: "other",
    async *[Symbol.asyncIterator]() {},
  };
  return {
    written,
    env: { HOME: place.home, BELAY_HOME: place.home, OPENAI_API_KEY: "sk-test", ...options.env },
    cwd: options.cwd ?? place.dir,
    stdin,
    stdout: output("stdout"),
    stderr: output("stderr"),
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    random: (n) => randomFillSync(new Uint8Array(n)),
    version: "1.2.3",
    signals: { onStop: () => () => {} },
    conversations: async () => fakeEngine(script).createConversations(),
  };
}
