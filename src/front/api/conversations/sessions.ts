import { invalidRequest, type Mount } from "./mount.js";

/** Recorded conversations. */
export function mountSessions(mount: Mount): void {
  for (const method of ["listConversations", "resumeConversation", "archiveConversation"] as const) {
    mount(method, () => {
      throw invalidRequest(`${method} is not available yet: session files are in sessions/ of the home folder`);
    });
  }
}
