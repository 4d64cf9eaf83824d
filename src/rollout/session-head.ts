import { closeSync, openSync, readSync } from "node:fs";
import { type ResponseItem, type SessionMeta, textOf } from "../protocol/index.js";
import { decodeLine } from "./decode.js";
import type { FileLine } from "./lines.js";
import { INJECTED } from "./session-turns.js";

/** The first message of a user is looked for in so many bytes of a file, read in steps. */
const LIMIT = 256 * 1024;
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
  let rest = Buffer.alloc(0);
  for (let at = 0; at < LIMIT && preview === undefined; at += STEP) {
    const chunk = Buffer.allocUnsafe(STEP);
    const got = readSync(fd, chunk, 0, STEP, at);
    rest = Buffer.concat([rest, chunk.subarray(0, got)]);
    for (let lf = rest.indexOf(0x0a); lf !== -1 && preview === undefined; lf = rest.indexOf(0x0a)) {
      const item = decodeLine(lineOf(rest.subarray(0, lf))).read[0]?.line.item;
      rest = rest.subarray(lf + 1);
      if (item?.type === "session_meta") meta ??= item.payload;
      else if (item?.type === "turn_context") cwd ??= item.payload.cwd;
      else if (item?.type === "response_item") {
        preview = typedText(item.payload);
        if (meta?.cwd === undefined) cwd ??= toldFolder(item.payload);
      }
    }
    if (got < STEP) break;
  }
  return { meta, cwd: meta?.cwd ?? cwd, preview };
}

function lineOf(bytes: Buffer): FileLine {
  return { start: 0, end: bytes.length, text: bytes.toString("utf8"), whole: true };
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
