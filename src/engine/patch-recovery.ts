import { recoverPatches } from "../patch/index.js";
import { patchJournal } from "./tools/apply-patch.js";

const RECOVERED = {
  finished: "was finished",
  undone: "was undone",
  failed: "could not be looked after",
  refused: "is none that this program wrote, and was set aside",
} as const;

/** Ends what killed processes left of patches; a line for people on each. */
export async function endCutPatches(home: string): Promise<string[]> {
  const recovered = await recoverPatches(patchJournal(home));
  return recovered.map(({ outcome, files, message }) => {
    const why = message === undefined ? "" : `: ${message}`;
    return `a patch that a crash had cut ${RECOVERED[outcome]} (${files.join(", ")})${why}`;
  });
}
