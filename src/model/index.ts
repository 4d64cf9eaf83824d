export { type SettledSettings, settleModelSettings, type WantedSettings } from "./model-settings.js";
export { GUESSED_WINDOW, modelInfo } from "./models.js";
export { type ModelDeps, openModel } from "./open-model.js";
export {
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelEvent,
  type ModelRequest,
  type RefusedPart,
  type ToolSpec,
  type Usage,
} from "./types.js";
