import { isUtf8 } from "node:buffer";
import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Input } from "../host/index.js";

export type Prompt = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

const STDIN_LIMIT = 64 * 1024 * 1024;

/** How long a pipe may stay silent when there is a prompt already, ms. */
export const SILENT_PIPE_MS = 250;

/**
 * The prompt of a run. Without an argument, or with `-`, it is what stdin delivers up to its end. With an argument, what is
 * piped in is appended as a `<stdin>` block: read to its end once its first byte has come, but a pipe that stays silent for
 * 250 ms is left alone, for it may be one that a parent keeps open and never writes to. A terminal is read for `-` only.
 */
export async function readPrompt(options: {
  readonly argument: string | undefined;
  readonly stdin: Input;
  /** A line for stderr. */
  readonly notice: (text: string) => void;
}): Promise<Prompt> {
  const { argument, stdin, notice } = options;
  if (argument === undefined || argument === "-") {
    if (stdin.kind === "terminal" && argument === undefined) {
      return fail("no prompt: give it as an argument, or pipe it in (belay exec --help)");
    }
    if (stdin.kind === "terminal") notice("reading the prompt from the terminal; Ctrl-D ends it");
    const read = await readAll(stdin, undefined);
    if (read.type === "failed") return fail(read.message);
    return read.type === "text" && read.text.trim() !== ""
      ? { ok: true, text: read.text }
      : fail("the prompt is empty: nothing came on stdin; give it as an argument, or pipe it in (belay exec --help)");
  }
  if (argument.trim() === "") return fail('the prompt is empty: say what to do, or "-" to read it from stdin');
  if (stdin.kind === "terminal") return { ok: true, text: argument };
  const read = await readAll(stdin, () => notice("reading what is piped in, up to its end"));
  if (read.type === "failed") return fail(read.message);
  if (read.type === "silent") {
    notice(
      `nothing was piped in within ${SILENT_PIPE_MS} ms: going on without (to wait for it, pipe the whole prompt to "-")`,
    );
  }
  if (read.type === "silent" || read.text.trim() === "") return { ok: true, text: argument };
  const end = read.text.endsWith("\n") ? "" : "\n";
  return { ok: true, text: `${argument}\n\n<stdin>\n${read.text}${end}</stdin>` };
}

type Read =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "silent" }
  | { readonly type: "failed"; readonly message: string };

/** Reads to the end. With `onLong`, the wait for the first byte of a pipe is bounded, and `onLong` is called when the rest takes long. */
async function readAll(stdin: Input, onLong: (() => void) | undefined): Promise<Read> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let late: NodeJS.Timeout | undefined;
  try {
    const reader = stdin[Symbol.asyncIterator]();
    const bounded = onLong !== undefined && stdin.kind === "pipe";
    let next = bounded ? await firstOf(reader) : await reader.next();
    if (next === undefined) return { type: "silent" };
    if (onLong !== undefined) late = setTimeout(onLong, SILENT_PIPE_MS);
    while (next.done !== true) {
      bytes += next.value.length;
      if (bytes > STDIN_LIMIT) return { type: "failed", message: "stdin delivers more than 64 MiB" };
      chunks.push(next.value);
      next = await reader.next();
    }
  } catch (error) {
    // What stdin is (a folder, a terminal that was closed) is not in our hands.
    return { type: "failed", message: `cannot read stdin: ${(error as Error).message}` };
  } finally {
    clearTimeout(late);
  }
  const whole = Buffer.concat(chunks);
  if (!isUtf8(whole)) return { type: "failed", message: "what came on stdin is not UTF-8 text" };
  return { type: "text", text: new TextDecoder().decode(whole) };
}

/** The first chunk or the end, or undefined when the pipe stays silent. */
async function firstOf(reader: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array> | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((settle) => {
    // After the timer one more look at the pipe: a busy start may have kept its bytes from being seen.
    timer = setTimeout(() => setImmediate(() => setImmediate(settle, undefined)), SILENT_PIPE_MS);
  });
  try {
    return await Promise.race([reader.next(), silence]);
  } finally {
    clearTimeout(timer);
  }
}

export type Images =
  | { readonly ok: true; readonly paths: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** The image files named by -i, as absolute paths. A name with a comma is a list, unless a file has that very name. */
export async function findImages(names: readonly string[], cwd: string): Promise<Images> {
  const paths: string[] = [];
  for (const name of names) {
    const whole = await checkImage(resolve(cwd, name));
    if (whole === undefined) {
      paths.push(resolve(cwd, name));
      continue;
    }
    const parts = name.split(",").filter((part) => part !== "");
    if (parts.length < 2) return fail(`-i ${name}: ${whole}`);
    for (const part of parts) {
      const problem = await checkImage(resolve(cwd, part));
      if (problem !== undefined) return fail(`-i ${part}: ${problem}`);
      paths.push(resolve(cwd, part));
    }
  }
  return { ok: true, paths };
}

/** Why a file is no image that models read; undefined when it is one. */
async function checkImage(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return "is not a file";
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(12), 0, 12, 0);
      return isImage(buffer.subarray(0, bytesRead)) ? undefined : "is not a PNG, JPEG, GIF or WebP image";
    } finally {
      await file.close();
    }
  } catch (error) {
    // A file that can't be read is the user's to know.
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? "there is no such file" : `cannot be read (${code ?? message})`;
  }
}

function isImage(start: Buffer): boolean {
  const text = start.toString("latin1");
  const webp = text.startsWith("RIFF") && text.slice(8, 12) === "WEBP";
  return webp || ["\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF8"].some((magic) => text.startsWith(magic));
}

function fail(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}
