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
  /** The HTTP proxy for `baseUrl`, when one applies. */
  readonly proxyUrl: string | undefined;
}
