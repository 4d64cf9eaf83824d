import { constants } from "node:os";
import type { BoundedText } from "../../../base/index.js";
import type { OneOffEnd } from "../../../engine/index.js";
import type { SandboxPolicy } from "../../../protocol/index.js";
import type { Commands } from "./commands.js";

/** Codex's, ms. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** As timeout(1) and Codex have it. */
const TIMED_OUT_CODE = 124;
/** Bytes of each stream: the first and the last of them. */
const KEPT = { head: 512 * 1024, tail: 512 * 1024 };

/** A command that a client wants to run. `cwd` is absolute; what is undefined is as the user's settings have it. */
export interface ClientCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly timeoutMs: number | undefined;
  readonly policy: SandboxPolicy | undefined;
}

/** `code`: 128 + n for a death by signal n, 124 when its time was over. */
export type ClientCommandEnd =
  | { readonly ok: true; readonly code: number; readonly stdout: string; readonly stderr: string }
  | { readonly ok: false; readonly reason: string };

/** Runs it within the walls of its policy, or not at all. Throws the signal's reason when that ended it. */
export async function runForClient(
  command: ClientCommand,
  { commands, signal }: { readonly commands: Commands; readonly signal: AbortSignal },
): Promise<ClientCommandEnd> {
  const { config } = commands;
  const ran = await commands.run(
    {
      argv: command.argv,
      cwd: command.cwd,
      timeoutMs: command.timeoutMs ?? config.commandTimeoutMs ?? DEFAULT_TIMEOUT_MS,
      policy: command.policy ?? config.sandboxPolicy,
      unconfined: "refuse",
      keep: KEPT,
    },
    signal,
  );
  signal.throwIfAborted();
  return ended(ran);
}

function ended(ran: OneOffEnd): ClientCommandEnd {
  if (!ran.ok) return ran;
  const { exit } = ran;
  if (exit.end === "not_started") return { ok: false, reason: exit.error ?? "it did not start" };
  if (exit.end === "cancelled") return { ok: false, reason: "it was stopped: the server is closing" };
  return { ok: true, code: codeOf(exit), stdout: shown(exit.stdout), stderr: shown(exit.stderr) };
}

function codeOf(exit: Extract<OneOffEnd, { ok: true }>["exit"]): number {
  if (exit.end === "timed_out") return TIMED_OUT_CODE;
  if (exit.end === "signalled") return 128 + (constants.signals[exit.signal as NodeJS.Signals] ?? 0);
  return exit.code ?? 0;
}

function shown(text: BoundedText): string {
  const { head, tail, cut } = text.parts();
  return cut === 0 ? head : `${head}\n[${cut} bytes left out]\n${tail}`;
}
