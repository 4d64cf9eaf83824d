/**
 * Keeps the first `head` and the last `tail` bytes of a stream of any length, and counts what fell between.
 * Memory: what came in so far, at most head + tail bytes.
 */
export class BoundedText {
  readonly #headLimit: number;
  readonly #tailLimit: number;
  readonly #head: Uint8Array[] = [];
  #headBytes = 0;
  #ring: Buffer | undefined;
  #ringAt = 0;
  #tailTotal = 0;

  constructor(limits: { readonly head: number; readonly tail: number }) {
    this.#headLimit = limits.head;
    this.#tailLimit = limits.tail;
  }

  /** All bytes that came in. */
  get total(): number {
    return this.#headBytes + this.#tailTotal;
  }

  /** Bytes that are not kept. */
  get cut(): number {
    return Math.max(0, this.#tailTotal - this.#tailLimit);
  }

  push(chunk: Uint8Array): void {
    const room = this.#headLimit - this.#headBytes;
    if (room > 0) {
      const part = chunk.subarray(0, room);
      this.#head.push(Uint8Array.prototype.slice.call(part));
      this.#headBytes += part.length;
    }
    if (chunk.length > room) this.#pushTail(room > 0 ? chunk.subarray(room) : chunk);
  }

  /** The same stream, with less of it kept. */
  narrowed(limits: { readonly head: number; readonly tail: number }): BoundedText {
    const narrow = new BoundedText({
      head: Math.min(limits.head, this.#headLimit),
      tail: Math.min(limits.tail, this.#tailLimit),
    });
    narrow.push(Buffer.concat(this.#head));
    narrow.push(this.#tailBytes());
    narrow.#tailTotal += this.cut;
    return narrow;
  }

  /** Head and tail as text, cut at whole characters; what is not UTF-8 shows as U+FFFD. `tail` is "" when nothing was cut. */
  parts(): { readonly head: string; readonly tail: string; readonly cut: number } {
    const head = Buffer.concat(this.#head);
    const tail = this.#tailBytes();
    if (this.cut === 0) return { head: Buffer.concat([head, tail]).toString("utf8"), tail: "", cut: 0 };
    const headEnd = wholeEnd(head);
    const tailStart = wholeStart(tail);
    return {
      head: head.toString("utf8", 0, headEnd),
      tail: tail.toString("utf8", tailStart),
      cut: this.cut + (head.length - headEnd) + tailStart,
    };
  }

  #pushTail(chunk: Uint8Array): void {
    this.#tailTotal += chunk.length;
    const limit = this.#tailLimit;
    if (limit === 0) return;
    const part = chunk.length > limit ? chunk.subarray(chunk.length - limit) : chunk;
    this.#ring = grown(this.#ring, Math.min(limit, this.#ringAt + part.length), limit);
    const first = Math.min(part.length, limit - this.#ringAt);
    this.#ring.set(part.subarray(0, first), this.#ringAt);
    if (first < part.length) this.#ring.set(part.subarray(first), 0);
    this.#ringAt =
      this.#ringAt + part.length >= limit ? (this.#ringAt + part.length) % limit : this.#ringAt + part.length;
  }

  #tailBytes(): Buffer {
    const ring = this.#ring;
    if (ring === undefined) return Buffer.alloc(0);
    if (this.#tailTotal < this.#tailLimit) return ring.subarray(0, this.#ringAt);
    return Buffer.concat([ring.subarray(this.#ringAt, this.#tailLimit), ring.subarray(0, this.#ringAt)]);
  }
}

/** The ring with room for `needed` bytes: doubled as it fills, so that short outputs cost little. */
function grown(ring: Buffer | undefined, needed: number, limit: number): Buffer {
  if (ring !== undefined && ring.length >= needed) return ring;
  const next = Buffer.alloc(Math.min(limit, Math.max(needed, (ring?.length ?? 2048) * 2)));
  if (ring !== undefined) next.set(ring);
  return next;
}

/** Where the last whole UTF-8 character ends: what follows may go on in the next chunk. */
export function wholeEnd(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Where the first whole UTF-8 character starts. */
function wholeStart(bytes: Uint8Array): number {
  let at = 0;
  while (at < Math.min(3, bytes.length) && (bytes[at]! & 0xc0) === 0x80) at += 1;
  return at;
}
