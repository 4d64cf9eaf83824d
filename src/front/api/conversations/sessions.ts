import { resolve } from "node:path";
import { isFolder } from "../../../base/index.js";
import {
  archiveSession,
  type Conversation,
  findSession,
  listSessions,
  type OpenedConversation,
  type ResumeInit,
  type SessionSummary,
} from "../../../engine/index.js";
import type { ApiDeps } from "../deps.js";
import { configFor } from "./config.js";
import { itemsOf } from "./items.js";
import { invalidRequest, type Mount } from "./mount.js";
import type { OpenConversation } from "./open-conversation.js";
import type { NewConversationParams, Params, Result } from "./schema.js";

/** The conversations of the connection, as far as recorded ones come to them and leave them. */
export interface OpenConversations {
  /** Takes in one that was started for this connection. */
  adopt(conversation: Conversation): OpenConversation;
  /** Closes it, if it is open. */
  letGo(id: string): Promise<void>;
}

/** Recorded conversations: listed, gone on with, put away. */
export function mountSessions(mount: Mount, deps: ApiDeps, open: OpenConversations): void {
  mount("listConversations", async (params) => list(params ?? {}, deps));
  mount("resumeConversation", (params, { signal }) => resume(params, { deps, open, signal }));
  mount("archiveConversation", (params) => archive(params, deps, open));
}

async function homeOf(deps: ApiDeps): Promise<string> {
  return (await configFor({}, deps)).home;
}

async function list(
  { pageSize, cursor, modelProviders }: NonNullable<Params<"listConversations">>,
  deps: ApiDeps,
): Promise<Result<"listConversations">> {
  const page = listSessions({
    home: await homeOf(deps),
    ...(pageSize == null ? {} : { pageSize }),
    cursor: cursor ?? undefined,
  });
  const wanted = page.sessions.filter(
    ({ modelProvider }) => modelProviders == null || modelProviders.includes(modelProvider ?? ""),
  );
  return { items: wanted.map(summaryOf), nextCursor: page.nextCursor ?? null };
}

function summaryOf(session: SessionSummary): Result<"listConversations">["items"][number] {
  return {
    conversationId: session.id,
    path: session.path,
    preview: session.preview,
    timestamp: new Date(session.createdAt).toISOString(),
    modelProvider: session.modelProvider ?? null,
    cwd: session.cwd ?? null,
    cliVersion: session.version ?? null,
    source: "unknown",
    gitInfo: session.branch === undefined ? null : { branch: session.branch },
  };
}

async function resume(
  { path, conversationId, overrides }: Params<"resumeConversation">,
  { deps, open, signal }: { readonly deps: ApiDeps; readonly open: OpenConversations; readonly signal: AbortSignal },
): Promise<Result<"resumeConversation">> {
  const source = path == null ? conversationId : resolve(deps.cwd, path);
  if (source == null) throw invalidRequest("resumeConversation needs a path or a conversationId");
  const session = sessionOf(await homeOf(deps), source);
  if (deps.engine.find(session.id) !== undefined) {
    throw invalidRequest(`conversation ${session.id} is open already: send it your messages`);
  }
  const asked = overrides ?? {};
  const config = await configFor({ ...asked, cwd: asked.cwd ?? folderOf(session) }, deps);
  signal.throwIfAborted();
  const opened = await deps.engine.resume({ source: session.path, config, chosen: chosenBy(asked) });
  if (!opened.ok) throw invalidRequest(opened.message);
  const configured = await open.adopt(opened.conversation).configured(signal);
  return {
    conversationId: opened.conversation.id,
    model: configured.model,
    initialMessages: configured.initial_messages ?? [],
    rolloutPath: configured.rollout_path ?? session.path,
    ...(configured.unused_input === undefined ? {} : { unusedInput: configured.unused_input.map(itemsOf) }),
  };
}

/** Goes on with a recorded conversation, by its whole id, under the settings of its record; undefined when there is none. */
export async function reopen(
  id: string,
  { engine, ...deps }: Pick<ApiDeps, "engine" | "env" | "cwd" | "overrides">,
): Promise<OpenedConversation | undefined> {
  const { home } = await configFor({}, deps);
  const found = findSession(home, id);
  if (!found.ok || found.session.id !== id.toLowerCase()) return undefined;
  const config = await configFor({ cwd: folderOf(found.session) }, deps);
  return engine.resume({ source: found.session.path, config });
}

/** By its path or its whole id: names and beginnings of ids are for people. */
function sessionOf(home: string, source: string): SessionSummary {
  const found = findSession(home, source);
  if (!found.ok) throw invalidRequest(found.message);
  if (found.session.id !== source.toLowerCase() && found.session.path !== source) {
    throw invalidRequest(`conversation not found: ${source}`);
  }
  return found.session;
}

/** Where it worked, if that is still there. */
function folderOf({ cwd }: SessionSummary): string | undefined {
  return cwd !== undefined && isFolder(cwd) ? cwd : undefined;
}

/** What the params say something of is not taken from the record. */
function chosenBy(params: NewConversationParams): NonNullable<ResumeInit["chosen"]> {
  const keys = new Set(Object.keys(params.config ?? {}));
  const profile = params.profile != null;
  const named = {
    cwd: params.cwd != null,
    model: params.model != null || params.modelProvider != null || keys.has("model") || profile,
    effort: keys.has("model_reasoning_effort") || profile,
    summary: keys.has("model_reasoning_summary") || profile,
    approvalPolicy: params.approvalPolicy != null || keys.has("approval_policy"),
    sandboxPolicy: params.sandbox != null || keys.has("sandbox_mode"),
  };
  const names = Object.keys(named) as (keyof typeof named)[];
  return new Set(names.filter((name) => named[name]));
}

async function archive(
  { conversationId, rolloutPath }: Params<"archiveConversation">,
  deps: ApiDeps,
  open: OpenConversations,
): Promise<Result<"archiveConversation">> {
  const home = await homeOf(deps);
  const { id, path } = sessionOf(home, conversationId);
  if (resolve(deps.cwd, rolloutPath) !== path) {
    throw invalidRequest(`rolloutPath: the session file of ${id} is ${path}`);
  }
  await open.letGo(id);
  const moved = archiveSession({ home, wanted: id, now: deps.clock.now() });
  if (!moved.ok) throw invalidRequest(moved.message);
  return {};
}
