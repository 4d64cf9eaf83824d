export { readAnswer } from "./answer.js";
export {
  BROKEN_PIPE_EXIT_CODE,
  type FrontDeps,
  type Input,
  type Output,
  SIGNAL_EXIT_CODES,
  type SignalSource,
  type StopSignal,
} from "./deps.js";
export { type Engine, type ProgramOptions, runProgram } from "./program.js";
export { type ColorChoice, makeStyle, type Style, sanitise, wantsColor } from "./style.js";
