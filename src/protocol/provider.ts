/** How to reach a model: a provider of config.toml with every name of an environment variable already resolved. */
export interface Provider {
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Without a trailing slash; the wire appends `/responses` or `/chat/completions`. */
  readonly baseUrl: string;
  /** `demo` is the embedded script: no network. */
  readonly wireApi: "responses" | "chat" | "demo";
  /** Sent as `Authorization: Bearer`. */
  readonly apiKey: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly queryParams: Readonly<Record<string, string>>;
  /** Tries after the first when no stream came about: connect errors, 429, 5xx. */
  readonly requestMaxRetries: number;
  /** Tries after the first when a stream that had begun was cut. */
  readonly streamMaxRetries: number;
  /** The longest silence between two chunks of a stream, ms. */
  readonly streamIdleTimeoutMs: number;
  /** The longest time without anything of an answer, ms: signs of life don't count. */
  readonly streamContentTimeoutMs: number;
  /** Fields laid over the body of each request. */
  readonly extraBody: Readonly<Record<string, unknown>>;
  /** Where it differs from what is assumed of an unknown server. */
  readonly compat: Compat;
  /** The HTTP proxy for `baseUrl`, when one applies. */
  readonly proxyUrl: string | undefined;
}

/** What a server takes, as far as the settings say so; what they leave open is assumed by the wire, and learnt from refusals. */
export interface Compat {
  /** `strict`: user and assistant in turn, and no user right behind a tool (Chat). */
  readonly roles?: "strict" | "free" | undefined;
  /** The role of the instructions (Chat); `user`: they open the first user message. */
  readonly system?: "system" | "developer" | "user" | undefined;
  /** Ids of calls: `short` is nine letters or digits (Mistral). */
  readonly callIds?: "any" | "short" | undefined;
  /** Thoughts in plain text (`reasoning_content`) of answers with calls: sent back, never, or also where there were none. */
  readonly thoughts?: "sent" | "dropped" | "required" | undefined;
  /** Fields of the body that are never sent. */
  readonly without?: readonly string[] | undefined;
}
