import type { InputItem } from "../../../protocol/index.js";
import type { WireItem } from "./schema.js";

/** Input of this dialect as the engine takes it. */
export function inputOf(items: readonly WireItem[]): InputItem[] {
  return items.map(itemOf);
}

function itemOf(item: WireItem): InputItem {
  switch (item.type) {
    case "text":
      return { type: "text", text: item.data.text };
    case "image":
      return { type: "image", image_url: item.data.image_url };
    case "localImage":
      return { type: "local_image", path: item.data.path };
  }
}

/** The same, the other way. */
export function itemsOf(items: readonly InputItem[]): WireItem[] {
  return items.map((item) => {
    switch (item.type) {
      case "text":
        return { type: "text", data: { text: item.text } };
      case "image":
        return { type: "image", data: { image_url: item.image_url } };
      default:
        return { type: "localImage", data: { path: item.path } };
    }
  });
}
