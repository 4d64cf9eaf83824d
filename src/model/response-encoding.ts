import type { IncomingHttpHeaders } from "node:http";
import type { Transform } from "node:stream";
import type { Read, ResponseBytes } from "./response-bytes.js";

type Zlib = typeof import("node:zlib");

/** `first`: the first byte of what is to be unpacked. */
type Unpacker = (zlib: Zlib, first: number) => Transform;

/** How a body may have been packed: what the header says, by the names in use. */
const UNPACKERS: ReadonlyMap<string, Unpacker> = new Map<string, Unpacker>([
  ["gzip", ({ createGunzip, constants }) => createGunzip({ flush: constants.Z_SYNC_FLUSH })],
  // With the wrapper of zlib, as the standard says, or without it, as some servers send it.
  [
    "deflate",
    ({ createInflate, createInflateRaw, constants }, first) => {
      const options = { flush: constants.Z_SYNC_FLUSH };
      return (first & 0x0f) === 8 ? createInflate(options) : createInflateRaw(options);
    },
  ],
  ["br", ({ createBrotliDecompress }) => createBrotliDecompress()],
]);

/** The encoding of a body that can't be read, by its name. None was asked for, so that none is what a server should use. */
export function unknownEncoding(headers: IncomingHttpHeaders): string | undefined {
  const named = encodingOf(headers);
  return named === undefined || UNPACKERS.has(named) ? undefined : named.slice(0, 40);
}

function encodingOf(headers: IncomingHttpHeaders): string | undefined {
  const named = headers["content-encoding"]?.trim().toLowerCase().replace(/^x-/, "");
  return named === undefined || named === "" || named === "identity" ? undefined : named;
}

/**
 * The bytes of a response as they were before it was packed, each part as soon as it has come. Packed bodies are told by
 * the header, and gzip by its first bytes as well; a body that is plain against its header's word is taken as it is.
 */
export class UnpackedBytes {
  readonly #source: ResponseBytes;
  readonly #encoding: string | undefined;
  #began = false;
  #held: Buffer | undefined;
  #unpacker: Transform | undefined;
  #ended = false;
  #broken = false;
  /** Something is on its way through the unpacker. */
  #busy = false;
  #wake: (() => void) | undefined;

  constructor(source: ResponseBytes, headers: IncomingHttpHeaders) {
    this.#source = source;
    this.#encoding = encodingOf(headers);
  }

  /** As `ResponseBytes.next`. A part that was packed into too little to be unpacked comes as no bytes: a sign of life. */
  next(limitMs: number, signal: AbortSignal): Promise<Read> {
    // The usual case costs no more than without this class.
    return this.#began && this.#unpacker === undefined
      ? this.#source.next(limitMs, signal)
      : this.#next(limitMs, signal);
  }

  destroy(): void {
    this.#source.destroy();
    this.#unpacker?.destroy();
  }

  /** As `ResponseBytes.finish`. */
  finish(): Promise<void> {
    this.#unpacker?.destroy();
    return this.#source.finish();
  }

  async #next(limitMs: number, signal: AbortSignal): Promise<Read> {
    if (this.#unpacker === undefined) return this.#first(limitMs, signal);
    for (;;) {
      signal.throwIfAborted();
      const bytes = this.#unpacker.read() as Buffer | null;
      if (bytes !== null) return { type: "bytes", bytes };
      if (this.#broken) return { type: "lost" };
      if (this.#ended) return { type: "end" };
      if (this.#busy) await this.#change();
      else {
        const read = await this.#source.next(limitMs, signal);
        if (read.type === "idle" || read.type === "lost") return read;
        this.#feed(this.#unpacker, read.type === "bytes" ? read.bytes : undefined);
        await this.#change();
        if (this.#unpacker.readableLength === 0 && !this.#busy && read.type === "bytes") return NOTHING;
      }
    }
  }

  /** The first bytes tell how to go on. One byte of two of a mark is held until the second has come. */
  async #first(limitMs: number, signal: AbortSignal): Promise<Read> {
    const read = await this.#source.next(limitMs, signal);
    if (read.type !== "bytes") {
      const held = this.#held;
      this.#held = undefined;
      this.#began = held === undefined;
      return held !== undefined && read.type === "end" ? { type: "bytes", bytes: held } : read;
    }
    const bytes = this.#held === undefined ? read.bytes : Buffer.concat([this.#held, read.bytes]);
    this.#held = undefined;
    if (bytes.length === 1 && (bytes[0] === GZIP[0] || this.#encoding !== undefined)) {
      this.#held = bytes;
      return NOTHING;
    }
    const isGzip = bytes[0] === GZIP[0] && bytes[1] === GZIP[1];
    const encoding = isGzip ? "gzip" : this.#encoding === "gzip" ? undefined : this.#encoding;
    const unpack = encoding === undefined ? undefined : UNPACKERS.get(encoding);
    this.#began = true;
    if (unpack === undefined) return { type: "bytes", bytes };
    this.#unpacker = this.#watch(unpack(await import("node:zlib"), bytes[0]!));
    signal.throwIfAborted();
    this.#feed(this.#unpacker, bytes);
    return this.#next(limitMs, signal);
  }

  #watch(unpacker: Transform): Transform {
    unpacker.on("readable", () => this.#wake?.());
    unpacker.on("end", () => {
      this.#ended = true;
      this.#wake?.();
    });
    // Torn, or not what its header says.
    unpacker.on("error", () => {
      this.#broken = true;
      this.#wake?.();
    });
    unpacker.on("close", () => this.#wake?.());
    return unpacker;
  }

  #feed(unpacker: Transform, bytes: Buffer | undefined): void {
    this.#busy = true;
    const done = () => {
      this.#busy = false;
      this.#wake?.();
    };
    if (bytes === undefined) {
      unpacker.end();
      return;
    }
    unpacker.write(bytes, done);
  }

  /** The unpacker works by itself: what it has taken in comes out, or fails, without a wait for anybody. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

const NOTHING: Read = { type: "bytes", bytes: Buffer.alloc(0) };
/** What every gzip begins with. */
const GZIP = [0x1f, 0x8b] as const;
