import { newId, Scope } from "../base/index.js";
import type { Config } from "../config/index.js";
import type { Doubles } from "./doubles.js";
import { runOneOff } from "./one-off.js";
import { type OpenedSession, openFork, openResumed, type Resumed } from "./resume.js";
import { SandboxLevels } from "./sandbox-levels.js";
import { Session } from "./session.js";
import type { Conversations, EngineDeps, OpenedConversation } from "./types.js";

/** The engine: conversations that share a process and nothing else. */
export function createConversations(deps: EngineDeps): Conversations {
  const root = Scope.root("engine");
  const open = new Map<string, Session>();
  const levels = new SandboxLevels(root.signal, deps);
  const context = { deps, signal: root.signal };
  const begin = (config: Config, resumed: Resumed | undefined, doubles?: Doubles) => {
    const id = resumed?.id ?? newId(deps);
    const session = new Session({
      id,
      scope: root.child(`conversation ${id}`),
      config,
      deps,
      levels,
      resumed,
      doubles,
      onClosed: () => open.delete(id),
    });
    open.set(id, session);
    return session;
  };
  const goOn = (opened: OpenedSession, config: Config): OpenedConversation => {
    if (!opened.ok) return opened;
    const { resumed } = opened;
    return { ok: true, conversation: begin(config, resumed), settings: resumed.settings };
  };
  return {
    start: (config, doubles) => begin(config, undefined, doubles),
    resume: (init) => root.spawn("resume", async () => goOn(await openResumed(init, context), init.config)),
    fork: (init) => root.spawn("fork", async () => goOn(await openFork(init, context), init.config)),
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
