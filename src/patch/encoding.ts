import { isUtf8 } from "node:buffer";

/** How a file's bytes are read as text. `latin1` is windows-1252 where bytes 0x80 to 0x9f occur as in WHATWG. */
export type Encoding = "utf8" | "latin1" | "utf16le" | "utf16be";

/** Bytes 0x80 to 0x9f of windows-1252; the five it leaves open stand for themselves. */
const WINDOWS = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";
const SNIFFED = 4096;

/** The encoding of a file, and how many bytes its byte order mark takes; undefined for UTF-32, which is not edited. */
export function detectEncoding(bytes: Buffer): { readonly encoding: Encoding; readonly mark: number } | undefined {
  // By index: a buffer's iterator costs more than all the rest.
  const a = bytes[0];
  const b = bytes[1];
  const c = bytes[2];
  const d = bytes[3];
  if (a === 0xef && b === 0xbb && c === 0xbf) return { encoding: "utf8", mark: 3 };
  if (a === 0xff && b === 0xfe && c === 0 && d === 0 && bytes.length % 4 === 0) return undefined;
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return undefined;
  if (a === 0xff && b === 0xfe) return { encoding: "utf16le", mark: 2 };
  if (a === 0xfe && b === 0xff) return { encoding: "utf16be", mark: 2 };
  const wide = sniffWide(bytes);
  if (wide !== undefined) return { encoding: wide, mark: 0 };
  return { encoding: isUtf8(bytes) || mostlyUtf8(bytes) ? "utf8" : "latin1", mark: 0 };
}

/** UTF-16 without a mark: nearly every other byte of its start is zero, as in any text with mostly ASCII in it. */
function sniffWide(bytes: Buffer): Encoding | undefined {
  const length = Math.min(bytes.length, SNIFFED) & ~1;
  if (bytes.length % 2 !== 0 || length < 4 || !bytes.subarray(0, length).includes(0)) return undefined;
  let even = 0;
  let odd = 0;
  for (let at = 0; at < length; at += 2) {
    if (bytes[at] === 0) even += 1;
    if (bytes[at + 1] === 0) odd += 1;
  }
  const many = length * 0.35;
  const few = length * 0.02;
  if (odd >= many && even <= few) return "utf16le";
  return even >= many && odd <= few ? "utf16be" : undefined;
}

/** For a file that is not clean UTF-8: more whole sequences than stray bytes mean a damaged UTF-8 file, else one byte a character. */
function mostlyUtf8(bytes: Buffer): boolean {
  let whole = 0;
  let stray = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte < 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    if (length > 1 && isUtf8(bytes.subarray(at, at + length))) {
      whole += 1;
      at += length - 1;
    } else stray += 1;
  }
  return whole > stray;
}

export function decode(bytes: Buffer, encoding: Encoding): string {
  if (encoding === "utf8") return bytes.toString("utf8");
  if (encoding === "utf16le") return bytes.toString("utf16le");
  if (encoding === "utf16be") return Buffer.from(bytes).swap16().toString("utf16le");
  return bytes.toString("latin1").replace(/[\x80-\x9f]/g, (char) => WINDOWS[char.charCodeAt(0) - 0x80]!);
}

/** The text's bytes, or undefined where the encoding has no byte for one of its characters (`latin1` only). */
export function encode(text: string, encoding: Encoding): Buffer | undefined {
  if (encoding === "utf8") return Buffer.from(text, "utf8");
  if (encoding === "utf16le") return Buffer.from(text, "utf16le");
  if (encoding === "utf16be") return Buffer.from(text, "utf16le").swap16();
  const bytes = Buffer.alloc(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const byte = latin1Byte(text[at]!);
    if (byte === undefined) return undefined;
    bytes[at] = byte;
  }
  return bytes;
}

/** The first character that a one-byte file can't hold, as a person reads it. */
export function firstUnencodable(text: string): string | undefined {
  return [...text].find((char) => char.length > 1 || latin1Byte(char) === undefined);
}

function latin1Byte(char: string): number | undefined {
  const code = char.charCodeAt(0);
  if (code < 0x80 || (code >= 0xa0 && code < 0x100)) return code;
  const place = WINDOWS.indexOf(char);
  return place === -1 ? undefined : 0x80 + place;
}
