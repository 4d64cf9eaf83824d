import type { BoundedText } from "../../base/index.js";
import type { Exit } from "../../process/index.js";

/** Bytes of text counted as one token. */
export const BYTES_PER_TOKEN = 4;

/** For commands, and for those that run in a terminal. */
export const LEFTOVERS_STOPPED =
  "Processes it had left running in the background were stopped: a command ends with its children. To leave something running, run it in the foreground with exec_command and yield_time_ms: then it goes on as a terminal.";

/** Kept output as text: whole, or head and tail with what was cut between them. */
export function boundedOutput(output: BoundedText): string {
  const { head, tail, cut } = output.parts();
  if (cut === 0) return head;
  return `${head}\n…${Math.ceil(cut / BYTES_PER_TOKEN)} tokens (${cut} bytes of ${output.total}) cut…\n${tail}`;
}

/** What the model is told of a command that was started. */
export function exitText(exit: Exit, timeoutMs: number): string {
  return [
    ending(exit, timeoutMs),
    `Wall time: ${(exit.durationMs / 1000).toFixed(1)} seconds`,
    ...(exit.leftovers ? [LEFTOVERS_STOPPED] : []),
    ...leftRunning(exit),
    "Output:",
    boundedOutput(exit.output),
  ].join("\n");
}

function ending(exit: Exit, timeoutMs: number): string {
  switch (exit.end) {
    case "exited":
      return `Exit code: ${exit.code}`;
    case "signalled":
      return `Killed by ${exit.signal}`;
    case "timed_out":
      return `Timed out after ${timeoutMs} ms and was killed, with its children. Set timeout_ms for a longer run, or yield_time_ms (exec_command) to let it run on as a terminal.`;
    case "not_started":
      return `Not started: ${exit.error}`;
    case "cancelled":
      return "Stopped before its end";
  }
}

/** What a command left running, where the settings allow that. */
export function leftRunning({ kept }: Exit): string[] {
  if (kept.length === 0) return [];
  return [`Left running: ${kept.map(({ pid, argv }) => `${pid} ${argv.join(" ")}`).join(", ")}.`];
}
