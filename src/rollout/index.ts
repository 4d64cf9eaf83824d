export { appendHistory, type HistoryEntry, type HistoryLog, historyEntry, historyLog } from "./message-history.js";
export { RolloutWriter, rolloutPath } from "./writer.js";
