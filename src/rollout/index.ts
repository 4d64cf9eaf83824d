export type { Skipped } from "./decode.js";
export type { RolloutRecord } from "./encode.js";
export { type Forked, type ForkInit, forkSession } from "./fork.js";
export { collectGarbage, type GcReport, isGcDue, type KeepLimits } from "./gc.js";
export type { CutTurn, LostOutputs } from "./history-fold.js";
export { readLastContext } from "./last-context.js";
export { type Damage, type RawLine, readAll } from "./lineage.js";
export { sessionIds } from "./locate.js";
export { type Holder, holderOf, type Lock, lockedIds, lockSession, tryLock } from "./lock.js";
export { appendHistory, type HistoryEntry, type HistoryLog, historyEntry, historyLog } from "./message-history.js";
export { type RestoredSession, restoreSession, type WriteStart } from "./restore.js";
export {
  type FoundSession,
  findSession,
  type ListOptions,
  lastSession,
  listSessions,
  type SessionPage,
  type SessionSummary,
} from "./session-list.js";
export { archiveSession, deleteSession, type Moved, renameSession, unarchiveSession } from "./session-moves.js";
export { type RecordedTurn, readTurns } from "./session-turns.js";
export { noteUse } from "./use-order.js";
export { readRecord, type WholeRecord } from "./whole-record.js";
export { type FileSystem, RolloutWriter } from "./writer.js";
