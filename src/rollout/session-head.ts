import { closeSync, openSync, readSync } from "node:fs";
import { type ResponseItem, type SessionMeta, textOf } from "../protocol/index.js";
import { decodeLine } from "./decode.js";
import type { FileLine } from "./lines.js";
import { INJECTED } from "./session-turns.js";

/** The first message of a user is looked for in so many bytes of a file, read in steps. */
const LIMIT = 256 * 1024;
const FIRST_STEP = 4 * 1024;
const STEP = 32 * 1024;

/** What the beginning of a session file tells. */
export interface SessionHead {
  readonly meta: SessionMeta | undefined;
  /** Of the first turn. */
  readonly cwd: string | undefined;
  /** The first text that a user typed, one line. */
  readonly preview: string | undefined;
}

const PREVIEW = 200;

/** Reads no more of a file than it needs. Throws system errors. */
export function readHead(path: string): SessionHead {
  const fd = openSync(path, "r");
  try {
    return scan(fd);
  } finally {
    closeSync(fd);
  }
}

function scan(fd: number): SessionHead {
  let [meta, cwd, preview]: [SessionMeta | undefined, string | undefined, string | undefined] = [
    undefined,
    undefined,
    undefined,
  ];
  let rest = "";
  let at = 0;
  for (let step = FIRST_STEP; at < LIMIT && preview === undefined; step = STEP) {
    const chunk = Buffer.allocUnsafe(step);
    const got = readSync(fd, chunk, 0, step, at);
    at += got;
    // Characters that a step cuts in two belong to texts that nobody looks for.
    rest += chunk.toString("utf8", 0, got);
    for (let lf = rest.indexOf("\n"); lf !== -1 && preview === undefined; lf = rest.indexOf("\n")) {
      const line = rest.slice(0, lf);
      rest = rest.slice(lf + 1);
      if (!TELLING.test(line)) continue;
      const item = decodeLine(lineOf(line)).read[0]?.line.item;
      if (item?.type === "session_meta") meta ??= item.payload;
      else if (item?.type === "turn_context") cwd ??= item.payload.cwd;
      else if (item?.type === "response_item") {
        preview = typedText(item.payload);
        if (meta?.cwd === undefined) cwd ??= toldFolder(item.payload);
      }
    }
    if (got < step) break;
  }
  return { meta, cwd: meta?.cwd ?? cwd, preview };
}

/** The first line of a file, and those with what is looked for. */
const TELLING = /"type":"(?:session_meta|turn_context)"|"role":"user"|^\{"id":/;

function lineOf(text: string): FileLine {
  return { start: 0, end: text.length, text, whole: true };
}

/** Texts for the model that no person typed begin with a tag or a heading; what a person typed seldom does. */
function typedText(item: ResponseItem): string | undefined {
  if (item.type !== "message" || item.role !== "user") return undefined;
  const text = textOf(item).trim();
  if (text === "" || INJECTED.test(text)) return undefined;
  return text.slice(0, PREVIEW).replace(/\s+/g, " ");
}

/** Codex 0.23 has the folder in its context for the model alone. */
function toldFolder(item: ResponseItem): string | undefined {
  if (item.type !== "message" || item.role !== "user") return undefined;
  return /^<environment_context>[\s\S]*?\nCurrent working directory: (.+)\n/.exec(textOf(item))?.[1];
}
