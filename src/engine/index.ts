export { killAllNow as killEverythingNow } from "../process/index.js";
export {
  archiveSession,
  findSession,
  listSessions,
  type SessionPage,
  type SessionSummary,
} from "../rollout/index.js";
export { createConversations } from "./conversations.js";
export { type CommandExplanation, explainCommand, listRules } from "./explain-command.js";
export type { OneOffCommand, OneOffEnd } from "./one-off.js";
export type { ForkInit, NotOpened, ResumeInit } from "./resume.js";
export type {
  Conversation,
  Conversations,
  EngineDeps,
  InputOp,
  Listener,
  OpenedConversation,
  TurnEnd,
} from "./types.js";
