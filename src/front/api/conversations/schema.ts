import * as v from "valibot";
import {
  askForApprovalSchema,
  eventMsgSchema,
  execDecisionSchema,
  fileChangeSchema,
  reasoningEffortSchema,
  reasoningSummarySchema,
  reviewDecisionSchema,
  sandboxPolicySchema,
} from "../../../protocol/index.js";

/**
 * The older dialect of Codex's conversation API (`codex mcp` 0.23, and as it grew up to 0.153), as it crosses the stream. Params
 * are checked by these schemas, and the JSON Schema of the dialect is made of all of them. Unknown fields are ignored, as
 * Codex does; null counts as missing. Fields marked "ours" are additions.
 */

const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** Of a search for files. */
const MAX_QUERY_LENGTH = 200;
const MAX_ROOTS = 100;
const MAX_PAGE = 1000;

const maybe = <const S extends v.GenericSchema>(schema: S) => v.optional(v.nullable(schema));
const text = v.string();
const texts = v.array(v.string());
const conversationId = { conversationId: text };
const nothing = v.object({});

const anArray = v.pipe(
  v.unknown(),
  v.check(() => false, "expected an object, got an array"),
);
/** An object all of whose fields may be missing: to valibot an array is one. */
const noArray = <const S extends v.GenericSchema>(schema: S): v.LazySchema<S> =>
  v.lazy((input) => (Array.isArray(input) ? (anArray as never) : schema));

/** For methods that have no params, or none that must be given. */
const noParams = v.optional(v.nullable(noArray(nothing)));

/** What a user gives; the data of an image is snake_case, in this dialect too. */
export const wireItemSchema = v.variant("type", [
  v.object({ type: v.literal("text"), data: v.object({ text }) }),
  v.object({ type: v.literal("image"), data: v.object({ image_url: text }) }),
  v.object({ type: v.literal("localImage"), data: v.object({ path: text }) }),
]);

export const newConversationParams = noArray(
  v.object({
    model: maybe(text),
    modelProvider: maybe(text),
    profile: maybe(text),
    /** Relative to the folder the server was started in. */
    cwd: maybe(text),
    approvalPolicy: maybe(askForApprovalSchema),
    sandbox: maybe(v.picklist(["read-only", "workspace-write", "danger-full-access"])),
    /** Settings as in config.toml, keys dotted as for `-c`. */
    config: maybe(noArray(v.record(v.string(), v.unknown()))),
    baseInstructions: maybe(text),
    developerInstructions: maybe(text),
    compactPrompt: maybe(text),
    /** Taken and without effect: both tools are always there. */
    includePlanTool: maybe(v.boolean()),
    includeApplyPatchTool: maybe(v.boolean()),
  }),
);

const started = {
  ...conversationId,
  model: text,
};

const conversationSummary = v.object({
  ...conversationId,
  /** Of the session file. */
  path: text,
  /** The first words of the user. */
  preview: text,
  timestamp: maybe(text),
  modelProvider: maybe(text),
  cwd: maybe(text),
  cliVersion: maybe(text),
  /** Who started it is not told: `unknown`. */
  source: v.literal("unknown"),
  gitInfo: maybe(v.object({ sha: maybe(text), branch: maybe(text), origin_url: maybe(text) })),
});

const fileMatch = v.object({
  root: text,
  /** Relative to the root. */
  path: text,
  match_type: v.literal("file"),
  file_name: text,
  score: v.number(),
  /** Which characters of the path the query matched, ascending. */
  indices: v.nullable(v.array(v.number())),
});

/** Requests of the client, by name. */
export const METHODS = {
  newConversation: {
    params: v.optional(v.nullable(newConversationParams), {}),
    result: v.object({ ...started, reasoningEffort: maybe(reasoningEffortSchema), rolloutPath: maybe(text) }),
  },
  sendUserMessage: {
    params: v.object({ ...conversationId, items: v.array(wireItemSchema) }),
    result: nothing,
  },
  sendUserTurn: {
    params: v.object({
      ...conversationId,
      items: v.array(wireItemSchema),
      cwd: text,
      approvalPolicy: askForApprovalSchema,
      sandboxPolicy: sandboxPolicySchema,
      model: text,
      effort: maybe(reasoningEffortSchema),
      summary: maybe(reasoningSummarySchema),
      /** A JSON Schema for the final message of this turn. */
      outputSchema: maybe(noArray(v.record(v.string(), v.unknown()))),
    }),
    result: nothing,
  },
  interruptConversation: {
    params: v.object(conversationId),
    result: v.object({ abortReason: v.picklist(["interrupted", "replaced"]) }),
  },
  addConversationListener: {
    params: v.object(conversationId),
    result: v.object({ subscriptionId: text }),
  },
  removeConversationListener: { params: v.object({ subscriptionId: text }), result: nothing },
  listConversations: {
    params: v.optional(
      v.nullable(
        noArray(
          v.object({
            pageSize: maybe(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PAGE))),
            cursor: maybe(text),
            modelProviders: maybe(texts),
          }),
        ),
      ),
      {},
    ),
    result: v.object({ items: v.array(conversationSummary), nextCursor: v.nullable(text) }),
  },
  resumeConversation: {
    params: noArray(
      v.object({ path: maybe(text), conversationId: maybe(text), overrides: maybe(newConversationParams) }),
    ),
    result: v.object({
      ...started,
      /** What was said so far, as events. */
      initialMessages: v.array(v.looseObject({ type: text })),
      rolloutPath: text,
      /** Ours: what was typed and no model has seen; one element a submission. */
      unusedInput: v.optional(v.array(v.array(wireItemSchema))),
    }),
  },
  archiveConversation: { params: v.object({ ...conversationId, rolloutPath: text }), result: nothing },
  loginApiKey: { params: v.object({ apiKey: text }), result: nothing },
  loginChatGpt: { params: noParams, result: v.object({ loginId: text, authUrl: text }) },
  cancelLoginChatGpt: { params: v.object({ loginId: text }), result: nothing },
  logoutChatGpt: { params: noParams, result: nothing },
  getAuthStatus: {
    params: v.optional(
      v.nullable(noArray(v.object({ includeToken: maybe(v.boolean()), refreshToken: maybe(v.boolean()) }))),
      {},
    ),
    result: v.object({
      authMethod: v.nullable(v.picklist(["apikey", "chatgpt"])),
      authToken: v.nullable(text),
      requiresOpenaiAuth: v.boolean(),
    }),
  },
  getUserAgent: { params: noParams, result: v.object({ userAgent: text }) },
  gitDiffToRemote: { params: v.object({ cwd: text }), result: v.object({ sha: text, diff: text }) },
  execOneOffCommand: {
    params: v.object({
      command: texts,
      timeoutMs: maybe(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_TIMEOUT_MS))),
      cwd: maybe(text),
      sandboxPolicy: maybe(sandboxPolicySchema),
    }),
    result: v.object({ exitCode: v.number(), stdout: text, stderr: text }),
  },
  fuzzyFileSearch: {
    params: v.object({
      query: v.pipe(text, v.maxLength(MAX_QUERY_LENGTH)),
      roots: v.pipe(texts, v.maxLength(MAX_ROOTS)),
      /** A search with the token of one that runs takes its place: that one answers with no files. */
      cancellationToken: maybe(text),
    }),
    result: v.object({ files: v.array(fileMatch) }),
  },
} as const;

/** The changes of a patch as later versions of the dialect write them; the content of a deleted file is left empty. */
const taggedChange = v.variant("type", [
  v.object({ type: v.literal("add"), content: text }),
  v.object({ type: v.literal("delete"), content: text }),
  v.object({ type: v.literal("update"), unified_diff: text, move_path: v.nullable(text) }),
]);

/** Requests of the server, by name: 0.23's fields, and those of later versions of the dialect. */
export const SERVER_REQUESTS = {
  execCommandApproval: {
    params: v.object({
      conversation_id: text,
      call_id: text,
      ...conversationId,
      callId: text,
      command: texts,
      cwd: text,
      reason: v.optional(text),
      parsedCmd: v.array(v.object({ type: v.literal("unknown"), cmd: text })),
    }),
    result: v.object({ decision: execDecisionSchema }),
  },
  applyPatchApproval: {
    params: v.object({
      conversation_id: text,
      call_id: text,
      /** By absolute path. */
      file_changes: v.record(v.string(), fileChangeSchema),
      ...conversationId,
      callId: text,
      fileChanges: v.record(v.string(), taggedChange),
      reason: v.optional(text),
      grant_root: v.optional(text),
      grantRoot: v.optional(text),
    }),
    result: v.object({ decision: reviewDecisionSchema }),
  },
} as const;

/** Notifications of the server, by name; events are called `codex/event/` and their type. */
export const NOTIFICATIONS = {
  "codex/event": v.object({ id: text, msg: eventMsgSchema, ...conversationId }),
} as const;

export type MethodName = keyof typeof METHODS;
export type Params<M extends MethodName> = v.InferOutput<(typeof METHODS)[M]["params"]>;
export type Result<M extends MethodName> = v.InferInput<(typeof METHODS)[M]["result"]>;
export type ServerRequestName = keyof typeof SERVER_REQUESTS;
export type ServerParams<R extends ServerRequestName> = v.InferInput<(typeof SERVER_REQUESTS)[R]["params"]>;
export type NewConversationParams = v.InferOutput<typeof newConversationParams>;
export type WireItem = v.InferOutput<typeof wireItemSchema>;
