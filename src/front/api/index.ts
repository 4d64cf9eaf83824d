export { settingsFor } from "./conversations/config.js";
export { type ConversationApi, mountConversations } from "./conversations/service.js";
export { reopen } from "./conversations/sessions.js";
export type { ApiDeps } from "./deps.js";
export { parsedCmdOf } from "./parsed-cmd.js";
