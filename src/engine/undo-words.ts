import { existsSync } from "node:fs";
import { join } from "node:path";
import type { UndoWord } from "../checkpoint/index.js";
import { type MessageItem, userMessage } from "../protocol/index.js";

/** Of a conversation, in the home folder. */
interface Place {
  readonly home: string;
  readonly conversation: string;
}

/** Tells the model what was undone and what it was not told of: by this process, or by any other since the last turn. */
export async function tellUndos(
  { home, conversation }: Place,
  record: (items: readonly MessageItem[]) => Promise<void>,
): Promise<void> {
  const folder = join(home, "checkpoints", conversation);
  // Hardly ever there is anything, and then the room that knows need not be loaded.
  if (!existsSync(folder)) return;
  const { hasWords, takeWords } = await import("../checkpoint/index.js");
  while (hasWords(folder)) {
    const { words, done } = takeWords(folder);
    await record(words.map((word) => userMessage(noteOf(word))));
    done();
  }
}

/** So that the model does not go by files that are not as it left them. */
function noteOf({ redo, call, files, count }: UndoWord): string {
  const what = call === undefined ? "an earlier turn" : `the call ${call}`;
  const how = redo ? `undid ${what} and has now taken that undo back` : `has undone what ${what} did to files`;
  const more = count > files.length ? [`and ${count - files.length} more`] : [];
  const named = files.map((path) => `- ${shown(path)}`);
  return ["<undo>", `The user ${how}. These paths have changed, read them again:`, ...named, ...more, "</undo>"].join(
    "\n",
  );
}

/** A name with line breaks in it must not pass for more than a name. */
function shown(path: string): string {
  const quoted = JSON.stringify(path);
  return quoted === `"${path}"` ? path : quoted;
}
