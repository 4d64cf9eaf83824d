/** The lines of a patch without what was put around them. */
export interface Unwrapped {
  readonly lines: readonly string[];
  /** The line of the given text at which `lines` starts, from 1. */
  readonly first: number;
}

const FENCE_OPEN = /^```[\w-]*$/;
const FENCE_CLOSE = /^```$/;
const HEREDOC = /^(?:(?:apply_patch|applypatch)\s+)?<<-?\s*(["']?)([A-Za-z_]\w*)\1$/;

/**
 * Takes off blank lines around a patch, a code fence, a heredoc (`<<EOF` … `EOF`, with or without the command before
 * it), and the CR of a text in which every line has one.
 */
export function unwrap(text: string): Unwrapped {
  let lines: readonly string[] = text.replace(/^\uFEFF/, "").split("\n");
  const last = lines.at(-1) === "" ? lines.length - 1 : lines.length;
  if (lines.slice(0, last).every((line) => line.endsWith("\r"))) lines = lines.map((line) => line.replace(/\r$/, ""));
  let from = 0;
  let to = lines.length;
  for (let layer = 0; layer < 3; layer += 1) {
    while (from < to && lines[from]!.trim() === "") from += 1;
    while (to > from && lines[to - 1]!.trim() === "") to -= 1;
    const open = lines[from]?.trim() ?? "";
    const close = lines[to - 1]?.trim() ?? "";
    const delimiter = HEREDOC.exec(open)?.[2];
    if (delimiter !== undefined) {
      from += 1;
      if (close === delimiter) to -= 1;
    } else if (FENCE_OPEN.test(open)) {
      from += 1;
      if (FENCE_CLOSE.test(close)) to -= 1;
    } else break;
  }
  return { lines: lines.slice(from, Math.max(from, to)), first: from + 1 };
}
