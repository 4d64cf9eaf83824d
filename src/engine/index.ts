export { killAllNow as killEverythingNow } from "../process/index.js";
export { createConversations } from "./conversations.js";
export { type CommandExplanation, explainCommand, listRules } from "./explain-command.js";
export type { OneOffCommand, OneOffEnd } from "./one-off.js";
export type { Conversation, Conversations, EngineDeps, InputOp, Listener, TurnEnd } from "./types.js";
