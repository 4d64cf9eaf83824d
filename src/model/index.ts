export { type ModelDeps, openModel } from "./open-model.js";
export {
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelEvent,
  type ModelRequest,
  type ToolSpec,
  type Usage,
} from "./types.js";
