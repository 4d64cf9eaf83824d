export { type Area, type CallPlace, Checkpoints, type CheckpointsInit, type Watched } from "./checkpoints.js";
export type { UndoRequest } from "./choice.js";
export { type Covered, type CoveredEntry, listCovered } from "./covered.js";
export type { Env } from "./git.js";
export type { OnConflict, Trouble } from "./plan.js";
export { mayRun, thisProcess } from "./process.js";
export type { CallHistory, History, TurnHistory, UndoRecord } from "./records.js";
export { netChanges } from "./records.js";
export { removeCheckpoints, type SweepOptions, type Swept, sweepCheckpoints } from "./sweep.js";
export { type Budget, type Change, DEFAULT_BUDGET, type State } from "./types.js";
export {
  conversationsWithCheckpoints,
  type EndedUndo,
  type Prepared,
  type PreparedUndo,
  type UndoDeps,
  type UndoEnd,
  Undoing,
} from "./undo.js";
export { hasWords, takeWords, type UndoWord } from "./words.js";
