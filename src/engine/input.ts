import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import type { ContentPart, InputItem, MessageItem } from "../protocol/index.js";

/** The largest image file taken, bytes. */
const IMAGE_LIMIT = 20 * 1024 * 1024;

export type ReadImage = { readonly ok: true; readonly url: string } | { readonly ok: false; readonly message: string };

/** What the user gave, as one message for the model; images become data URLs. */
export type UserInput =
  | { readonly ok: true; readonly message: MessageItem }
  | { readonly ok: false; readonly message: string };

export async function readUserInput(items: readonly InputItem[], cwd: string): Promise<UserInput> {
  const content: ContentPart[] = [];
  for (const item of items) {
    if (item.type === "text") content.push({ type: "input_text", text: item.text });
    else if (item.type === "image") content.push({ type: "input_image", image_url: item.image_url });
    else {
      const image = await readImage(resolve(cwd, item.path));
      if (!image.ok) return image;
      content.push({ type: "input_image", image_url: image.url });
    }
  }
  const isBlank = content.every((part) => part.type === "input_text" && part.text.trim() === "");
  if (isBlank) return { ok: false, message: "the input is empty: give a text or an image" };
  return { ok: true, message: { type: "message", role: "user", content } };
}

/** A PNG, JPEG, GIF or WebP file, told by its first bytes, as a data URL. */
export async function readImage(path: string): Promise<ReadImage> {
  try {
    // Without blocking: a FIFO nobody writes to must not hold the turn.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) return { ok: false, message: `${path} is not a file` };
      if (stat.size > IMAGE_LIMIT) {
        return { ok: false, message: `${path} has ${stat.size} bytes; images up to ${IMAGE_LIMIT} are taken` };
      }
      const bytes = await file.readFile();
      const mime = imageType(bytes);
      if (mime === undefined)
        return { ok: false, message: `${path} is not an image (PNG, JPEG, GIF and WebP are taken)` };
      return { ok: true, url: `data:${mime};base64,${bytes.toString("base64")}` };
    } finally {
      await file.close();
    }
  } catch (error) {
    // A file that can't be read is the user's to mend: the message says which and why.
    return { ok: false, message: `can't read the image ${path}: ${(error as Error).message}` };
  }
}

function imageType(bytes: Buffer): string | undefined {
  if (bytes.subarray(0, 8).equals(Buffer.from("89504e470d0a1a0a", "hex"))) return "image/png";
  if (bytes.subarray(0, 3).equals(Buffer.from("ffd8ff", "hex"))) return "image/jpeg";
  const start = bytes.toString("latin1", 0, 12);
  if (start.startsWith("GIF87a") || start.startsWith("GIF89a")) return "image/gif";
  if (start.startsWith("RIFF") && start.endsWith("WEBP")) return "image/webp";
  return undefined;
}
