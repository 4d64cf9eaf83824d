import { resolve } from "node:path";
import * as v from "valibot";
import { readImage } from "../input.js";
import { argumentsReader, problemOf } from "./arguments.js";
import type { Tool } from "./tool.js";

const read = argumentsReader(
  { tool: "view_image", schema: v.object({ path: v.string() }) },
  {
    aliases: { filepath: "path", file: "path", filename: "path", image: "path", imagepath: "path", imagefile: "path" },
  },
);

/** `view_image`: an image file, for a model that can see. */
export const viewImage: Tool = {
  name: "view_image",
  spec: {
    type: "function",
    name: "view_image",
    description: "Shows you an image file (PNG, JPEG, GIF, WebP).",
    parameters: {
      type: "object",
      properties: { path: { type: "string", description: "Path of the file; relative to the current folder." } },
      required: ["path"],
      additionalProperties: false,
    },
  },
  problem: (text) => problemOf(read(text)),
  parallel: () => true,
  run: async (call, context) => {
    const args = read(call.arguments);
    if (!args.ok) return { status: "failed", output: args.message };
    const path = resolve(context.settings.cwd, args.value.path);
    const image = await readImage(path);
    if (!image.ok) return { status: "failed", output: image.message };
    void context.emit({ type: "view_image_tool_call", call_id: context.callId, path });
    return { status: "done", output: [{ type: "input_image", image_url: image.url }] };
  },
};
