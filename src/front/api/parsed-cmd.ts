import { shellJoin } from "../../base/index.js";
import type { EventOf } from "../../protocol/index.js";

/** What is asked for, as Codex 0.153 says it: of a script its text, without the shell that runs it. `unknown` is always right. */
export function parsedCmdOf(
  msg: EventOf<"exec_approval_request">,
): { readonly type: "unknown"; readonly cmd: string }[] {
  const commands = (msg.parsed_cmd ?? []).flatMap((parsed) => Object.values(parsed)).map(cmdOf);
  const known = commands.filter((cmd) => cmd !== undefined);
  return (known.length === 0 ? [shellJoin(msg.command)] : known).map((cmd) => ({ type: "unknown", cmd }));
}

function cmdOf(parsed: unknown): string | undefined {
  const cmd = typeof parsed === "object" && parsed !== null ? (parsed as { readonly cmd?: unknown }).cmd : undefined;
  return typeof cmd === "string" ? cmd : undefined;
}
