import { type Case, update } from "./case.js";

const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");
const swapped = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();
const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

/** Bytes that stay, and endings that new lines take. */
export const BYTES: readonly Case[] = [
  {
    name: "CRLF",
    before: { a: "a\r\nb\r\nc\r\n" },
    patch: update("a", "@@", " a", "-b", "+B", "+B2"),
    after: { a: "a\r\nB\r\nB2\r\nc\r\n" },
  },
  {
    name: "CRLF with a patch that shows the CR",
    before: { a: "a\r\nb\r\n" },
    patch: update("a", "@@", " a\r", "-b\r", "+B\r"),
    after: { a: "a\r\nB\r\n" },
  },
  {
    name: "mixed endings: each takes the replaced line's",
    before: { a: "a\r\nb\nc\r\n" },
    patch: update("a", "@@", "-a", "-b", "+A", "+B", " c"),
    after: { a: "A\r\nB\nc\r\n" },
  },
  {
    name: "mixed endings: an insertion takes the line's above",
    before: { a: "a\nb\r\nc\n" },
    patch: update("a", "@@", " b", "+x"),
    after: { a: "a\nb\r\nx\r\nc\n" },
  },
  {
    name: "an insertion at the start takes the line's below",
    before: { a: "a\r\nb\n" },
    patch: update("a", "@@", "+x", " a"),
    after: { a: "x\r\na\r\nb\n" },
  },
  { name: "lone CR", before: { a: "a\rb\rc" }, patch: update("a", "@@", "-b", "+B"), after: { a: "a\rB\rc" } },
  {
    name: "no last newline, elsewhere",
    before: { a: "a\nb" },
    patch: update("a", "@@", "-a", "+A", " b"),
    after: { a: "A\nb" },
  },
  {
    name: "no last newline, line added after it",
    before: { a: "a\r\nb" },
    patch: update("a", "@@", " b", "+c"),
    after: { a: "a\r\nb\r\nc\r\n" },
  },
  {
    name: "no last newline, last line dropped",
    before: { a: "a\nb" },
    patch: update("a", "@@", "-b"),
    after: { a: "a\n" },
  },
  {
    name: "no last newline, and two appends",
    before: { a: "a" },
    patch: update("a", "@@", "+b", "@@", "+c"),
    after: { a: "a\nb\nc\n" },
  },
  {
    name: "no last newline asked for",
    before: { a: "a\nb\n" },
    patch: update("a", "@@", "-b", "+B", "\\ No newline at end of file"),
    after: { a: "a\nB" },
  },
  { name: "an append to an empty file", before: { a: "" }, patch: update("a", "@@", "+x"), after: { a: "x\n" } },
  { name: "everything dropped", before: { a: "a\nb\n" }, patch: update("a", "@@", "-a", "-b"), after: { a: "" } },
  {
    name: "a byte order mark",
    before: { a: "\ufeffa\nb\n" },
    patch: update("a", "@@", "-a", "+A"),
    after: { a: "\ufeffA\nb\n" },
  },
  {
    name: "only a byte order mark",
    before: { a: "\ufeff" },
    patch: update("a", "@@", "+x"),
    after: { a: "\ufeffx\n" },
  },
  {
    name: "UTF-16, little end first",
    before: { a: utf16("\ufeffä\r\nb\r\n") },
    patch: update("a", "@@", "-ä", "+ö😀", " b"),
    after: { a: utf16("\ufeffö😀\r\nb\r\n") },
  },
  {
    name: "UTF-16, big end first, without last newline",
    before: { a: swapped("\ufeffa\nb\n\u0a00\u000ac") },
    patch: update("a", "@@", "-b", "+B"),
    after: { a: swapped("\ufeffa\nB\n\u0a00\u000ac") },
  },
  {
    name: "UTF-16 characters whose bytes look like a newline between them",
    before: { a: swapped("\ufeff\u0100\u0a05b\nc\n") },
    patch: update("a", "@@", " \u0100\u0a05b", "-c", "+C"),
    after: { a: swapped("\ufeff\u0100\u0a05b\nC\n") },
  },
  {
    name: "UTF-16 without a mark",
    before: { a: utf16("hello\nworld\n") },
    patch: update("a", "@@", "-world", "+there"),
    after: { a: utf16("hello\nthere\n") },
  },
  {
    name: "Latin-1",
    before: { a: latin1("caf\xe9\nb\n") },
    patch: update("a", "@@", " café", "-b", "+ü"),
    after: { a: latin1("caf\xe9\n\xfc\n") },
  },
  {
    name: "windows-1252",
    before: { a: Buffer.from("\x93q\x94\nb\n", "latin1") },
    patch: update("a", "@@", " “q”", "-b", "+€"),
    after: { a: Buffer.from("\x93q\x94\n\x80\n", "latin1") },
  },
  {
    name: "Latin-1 context read as UTF-8",
    before: { a: latin1("caf\xe9\nb\n") },
    patch: update("a", "@@", " caf\ufffd", "-b", "+B"),
    after: { a: latin1("caf\xe9\nB\n") },
  },
  {
    name: "Latin-1 can't hold the new line",
    before: { a: latin1("caf\xe9\nb\n") },
    patch: update("a", "@@", "-b", "+✅"),
    refused: /adds "✅", which/,
  },
  {
    name: "NUL and broken bytes elsewhere",
    before: { a: Buffer.from([0, 255, 10, 97, 10, 0xc3, 10, 0, 0]) },
    patch: update("a", "@@", "-a", "+b"),
    after: { a: Buffer.from([0, 255, 10, 98, 10, 0xc3, 10, 0, 0]) },
  },
  {
    name: "UTF-32",
    before: { a: Buffer.from([255, 254, 0, 0, 97, 0, 0, 0]) },
    patch: update("a", "@@", "-a", "+b"),
    refused: /UTF-32/,
  },
  {
    name: "a form feed and U+2028 belong to their line",
    before: { a: "a\u2028b\fc\nd\n" },
    patch: update("a", "@@", "-a\u2028b\fc", "+x"),
    after: { a: "x\nd\n" },
  },
];
