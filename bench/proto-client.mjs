// A client of `belay proto`: submissions out, events in.
import { now, startMeasured } from "./accounting.mjs";
import { readLines } from "./lines.mjs";

/** Starts the program against this model URL. */
export function openProto(lab, url) {
  const { belay } = lab.programs;
  belay.configure(url);
  const run = startMeasured({ argv: [...belay.command, "proto"], env: belay.env, cwd: lab.work });
  const waiting = new Set();
  readLines(run.stdout, (line) => {
    const { msg } = JSON.parse(line);
    const at = now();
    for (const take of waiting) take(msg, at);
  });
  let ids = 0;
  return {
    submit(op) {
      ids += 1;
      run.stdin.write(`${JSON.stringify({ id: String(ids), op })}\n`);
    },
    /** The next event for which `test` holds, and when it was read. */
    next(test, limitMs = 20_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`proto: no event for ${test}`)), limitMs);
        const take = (msg, at) => {
          if (!test(msg)) return;
          clearTimeout(timer);
          waiting.delete(take);
          resolve({ msg, at });
        };
        waiting.add(take);
      });
    },
    async close() {
      run.stdin.end();
      await run.ended;
    },
  };
}

/** The same, as turns that run a command until they are interrupted. */
export function openProtoTurns(lab, url) {
  const proto = openProto(lab, url);
  return {
    /** Starts a turn; resolves once it can be interrupted. */
    async begin() {
      const started = proto.next((msg) => msg.type === "task_started");
      proto.submit({ type: "user_input", items: [{ type: "text", text: "go on" }] });
      await started;
    },
    /** Ms from the submission until the turn's terminal event is there. */
    async interrupt() {
      const aborted = proto.next((msg) => msg.type === "turn_aborted");
      const sent = now();
      proto.submit({ type: "interrupt" });
      return (await aborted).at - sent;
    },
    close: proto.close,
  };
}
