import { listSessions, type RawLine, readAll, type SessionSummary } from "../../rollout/index.js";
import { sanitise } from "../host/index.js";
import { jsonOf, type SessionsContext } from "./run.js";
import { ago } from "./table.js";

const PAGE = 100;
/** Characters before and behind what was found. */
const AROUND = 60;

/** Prints the sessions in which a text occurs, capital or small, the last used first, each with the first place. */
export async function searchSessions(
  { text, limit, json }: { readonly text: string; readonly limit: number; readonly json?: boolean },
  { home, deps, signal }: SessionsContext,
): Promise<void> {
  const wanted = text.toLowerCase();
  let found = 0;
  for (let cursor: string | undefined, more = true; more && found < limit; ) {
    const page = listSessions({ home, pageSize: PAGE, cursor });
    for (const session of page.sessions) {
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
      const place = firstPlace(session, { home, wanted });
      if (place === undefined) continue;
      found += 1;
      const line = { ...jsonOf(session), match: place };
      const human = `${session.id}  ${ago(session.usedAt, deps.clock.now())}\n   ${sanitise(place)}`;
      void deps.stdout.write(`${json === true ? JSON.stringify(line) : human}\n`);
      if (found === limit) break;
    }
    cursor = page.nextCursor;
    more = cursor !== undefined;
  }
  if (found === 0 && json !== true) void deps.stderr.write(`belay: no session has ${JSON.stringify(text)}\n`);
}

function firstPlace(session: SessionSummary, { home, wanted }: { readonly home: string; readonly wanted: string }) {
  try {
    for (const line of readAll(session.path, { home })) {
      if (line.sessionId !== session.id && line.sessionId !== "") continue;
      for (const text of textsOf(line)) {
        const at = text.toLowerCase().indexOf(wanted);
        if (at !== -1) return around(text, at, wanted.length);
      }
    }
  } catch {
    // A file that went away or can't be read: the others are looked at.
  }
  return undefined;
}

/** What was said and what tools gave out. */
function textsOf({ value }: RawLine): string[] {
  const item = (value.type === "response_item" ? value.payload : value) as Readonly<Record<string, unknown>>;
  const content = item.content ?? item.output ?? item.arguments ?? item.input;
  if (typeof content === "string") return [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: { readonly text?: unknown }) => (typeof part?.text === "string" ? [part.text] : []));
}

function around(text: string, at: number, length: number): string {
  const from = Math.max(0, at - AROUND);
  const to = Math.min(text.length, at + length + AROUND);
  const cut = text.slice(from, to).replace(/\s+/g, " ");
  return `${from > 0 ? "…" : ""}${cut}${to < text.length ? "…" : ""}`;
}
