export { killAllNow as killEverythingNow } from "../process/index.js";
export {
  archiveSession,
  findSession,
  listSessions,
  type SessionPage,
  type SessionSummary,
} from "../rollout/index.js";
export { summaryIn } from "./compaction.js";
export { LOST_OUTPUTS } from "./context.js";
export { createConversations } from "./conversations.js";
export type { Doubles } from "./doubles.js";
export { type CommandExplanation, explainCommand, listRules } from "./explain-command.js";
export type { OneOffCommand, OneOffEnd } from "./one-off.js";
export type { RecordSink } from "./recorder.js";
export type { ForkInit, NotOpened, ResumeInit } from "./resume.js";
export { NO_ANSWER } from "./steps.js";
export { isOwnTool } from "./tools/registry.js";
export type { Tool, ToolCall, ToolContext, ToolOutput } from "./tools/tool.js";
export type {
  Conversation,
  Conversations,
  EngineDeps,
  InputOp,
  Listener,
  OpenedConversation,
  TurnEnd,
} from "./types.js";
