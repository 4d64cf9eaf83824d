import { newId, Scope } from "../base/index.js";
import { SandboxLevels } from "./sandbox-levels.js";
import { Session } from "./session.js";
import type { Conversations, EngineDeps } from "./types.js";

/** The engine: conversations that share a process and nothing else. */
export function createConversations(deps: EngineDeps): Conversations {
  const root = Scope.root("engine");
  const open = new Set<Session>();
  const levels = new SandboxLevels(root.signal);
  return {
    start: (config) => {
      const id = newId(deps);
      const session = new Session({
        id,
        scope: root.child(`conversation ${id}`),
        config,
        deps,
        levels,
        onClosed: (closed) => open.delete(closed),
      });
      open.add(session);
      return session;
    },
    close: async () => {
      await Promise.all([...open].map((session) => session.close()));
      await root.end();
    },
  };
}
