import type { RecordSink } from "../../engine/index.js";
import type { TakenLine } from "./facts.js";

/** Takes a record in memory; `drain` gives what came since the last time. */
export interface Tape extends RecordSink {
  drain(): TakenLine[];
}

export function openTape(): Tape {
  let lines: TakenLine[] = [];
  return {
    path: "",
    failure: undefined,
    isGone: false,
    nextOrdinal: undefined,
    append: (records) => {
      lines.push(...records.map((record) => ({ item: record, submission: record.submission })));
    },
    flush: async () => {},
    close: () => {},
    drain: () => {
      const taken = lines;
      lines = [];
      return taken;
    },
  };
}
