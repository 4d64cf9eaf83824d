export { type Decoded, type Decoder, decodeEvent, decodeResponseItem, decoder, decodeSubmission } from "./decode.js";
export {
  type CallOutcome,
  type Event,
  type EventMsg,
  type EventOf,
  encodeEvent,
  eventMsgSchema,
  isTerminal,
  type ProcessOutcome,
  type TerminalInfo,
  type TerminalMsg,
  type TurnAborted,
  type TurnAbortReason,
} from "./event.js";
export {
  type CallItem,
  type CallOutput,
  type CallOutputItem,
  type ContentPart,
  type FunctionCallItem,
  isCall,
  isCallOutput,
  type MessageItem,
  outputOf,
  type ReasoningItem,
  type ResponseItem,
  textOf,
  userMessage,
} from "./item.js";
export type { InputItem, Op, Submission } from "./op.js";
export {
  type AskForApproval,
  askForApprovalSchema,
  execDecisionSchema,
  type FileChange,
  fileChangeSchema,
  type LevelReport,
  type PlainDecision,
  type ReasoningEffort,
  type ReasoningSummary,
  type ReviewDecision,
  reasoningEffortSchema,
  reasoningSummarySchema,
  reviewDecisionSchema,
  type SandboxMode,
  type SandboxPolicy,
  sandboxPolicySchema,
} from "./policy.js";
export type { Provider } from "./provider.js";
export type { RolloutItem } from "./rollout.js";
