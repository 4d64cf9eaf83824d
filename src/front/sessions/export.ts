import { closeSync, openSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { writeWhole } from "../../base/index.js";
import { readAll, type SessionSummary } from "../../rollout/index.js";
import { redactor, redactValue } from "./redact.js";
import type { SessionsContext } from "./run.js";

/**
 * Writes a session as one file that needs no other: the lines of what it was forked from, and all large texts, are in it. It
 * is a session file like any other, and can be shown and resumed by its path.
 */
export async function exportSession(
  session: SessionSummary,
  { output, redact }: { readonly output?: string; readonly redact?: boolean },
  { home, deps, signal }: SessionsContext,
): Promise<void> {
  const mask = redact === true ? redactor(deps.env) : undefined;
  const path = output === undefined ? undefined : resolve(deps.cwd, output);
  const fd = path === undefined ? undefined : openSync(path, "wx", 0o600);
  let ordinal = 0;
  let hasHead = false;
  try {
    for (const { value } of readAll(session.path, { home })) {
      const isHead = value.type === "session_meta";
      if (isHead && hasHead) continue;
      hasHead ||= isHead;
      const line = isHead ? headOf(value, session.id) : value;
      const numbered = value.ordinal === undefined ? line : { ...line, ordinal };
      const shown = mask === undefined ? numbered : redactValue(numbered, mask);
      ordinal += 1;
      const text = `${JSON.stringify(shown)}\n`;
      if (fd !== undefined) writeWhole(fd, Buffer.from(text));
      else await deps.stdout.write(text);
      signal.throwIfAborted();
    }
  } catch (error) {
    // Half an export must not be taken for a whole one.
    if (path !== undefined) rmSync(path, { force: true });
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  const note = mask === undefined ? "" : ": look through it before you send it, for no pattern knows every secret";
  if (output !== undefined) void deps.stderr.write(`belay: ${ordinal} lines written to ${output}${note}\n`);
}

/** The head of the whole, under the session's own id. */
function headOf(value: Readonly<Record<string, unknown>>, id: string): Readonly<Record<string, unknown>> {
  const { history_base: _, forked_from_ordinal_exclusive: __, ...payload } = value.payload as Record<string, unknown>;
  return { ...value, payload: { ...payload, id } };
}
