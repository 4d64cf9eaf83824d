import { newId, Scope } from "../base/index.js";
import { runOneOff } from "./one-off.js";
import { SandboxLevels } from "./sandbox-levels.js";
import { Session } from "./session.js";
import type { Conversations, EngineDeps } from "./types.js";

/** The engine: conversations that share a process and nothing else. */
export function createConversations(deps: EngineDeps): Conversations {
  const root = Scope.root("engine");
  const open = new Map<string, Session>();
  const levels = new SandboxLevels(root.signal, deps);
  return {
    start: (config) => {
      const id = newId(deps);
      const session = new Session({
        id,
        scope: root.child(`conversation ${id}`),
        config,
        deps,
        levels,
        onClosed: () => open.delete(id),
      });
      open.set(id, session);
      return session;
    },
    find: (id) => open.get(id),
    sandboxReport: (config) => levels.reportFor(config),
    runCommand: async (command, config, signal) => {
      const scope = root.child(`command ${command.argv[0] ?? ""}`);
      try {
        return await scope.spawn("run", () => runOneOff(command, { config, levels, scope, signal }));
      } finally {
        await scope.end();
      }
    },
    close: async () => {
      await Promise.all([...open.values()].map((session) => session.close()));
      await root.end();
    },
  };
}
