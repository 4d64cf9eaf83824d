import type {
  AskForApproval,
  ModelInfo,
  Provider,
  ReasoningEffort,
  ReasoningSummary,
  SandboxPolicy,
  Verbosity,
} from "../protocol/index.js";

/** An environment record, as `process.env` is one. This room reads the one it is given and no other. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What the command line typed; each wins over everything else. Values are checked here, not by the caller. */
export interface Flags {
  readonly model?: string | undefined;
  readonly modelProvider?: string | undefined;
  /** Relative to the folder the program was started in. */
  readonly cwd?: string | undefined;
  readonly approvalPolicy?: string | undefined;
  readonly sandboxMode?: string | undefined;
  /** A model on this machine: the built-in provider `oss`, unless `modelProvider` names another. */
  readonly oss?: boolean | undefined;
}

export interface LoadInput {
  readonly env: Env;
  /** The folder the program was started in; absolute. */
  readonly cwd: string;
  /** `-p NAME`; wins over the `profile` key. */
  readonly profile?: string | undefined;
  /** `-c key=value`, as typed; a later one wins. */
  readonly overrides: readonly string[];
  readonly flags: Flags;
}

/** `message` has one line per mistake, each naming file (or flag), key, what was found and what is allowed. */
export type Loaded = { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly message: string };

/** Everything that is settled before a conversation starts. Paths are absolute. */
export interface Config {
  /** Where Belay keeps its files; need not exist. */
  readonly home: string;
  /** An existing folder; symbolic links in it are kept as typed. */
  readonly cwd: string;
  readonly model: string;
  readonly provider: Provider;
  /** The provider is OpenAI's, or asks for OpenAI credentials: what a sign-in stored may be sent to it. To no other. */
  readonly openaiAuth: boolean;
  /** The provider needs a key which the environment does not hold: to be said when a turn is to start. */
  readonly missingKey: { readonly envKey: string; readonly instructions: string | undefined } | undefined;
  readonly approvalPolicy: AskForApproval;
  readonly sandboxPolicy: SandboxPolicy;
  /** What `projects."<dir>".trust_level` says of the cwd, or else of its git root. It trusts no content. */
  readonly projectTrust: "trusted" | "untrusted" | undefined;
  readonly effort: ReasoningEffort | undefined;
  readonly summary: ReasoningSummary | undefined;
  readonly verbosity: Verbosity | undefined;
  /** As it goes to the provider: `priority`, `flex`, ... */
  readonly serviceTier: string | undefined;
  /** What the settings say of models, by their names: it counts before what is known of them. */
  readonly models: Readonly<Record<string, ModelInfo>>;
  /** Tokens. */
  readonly contextWindow: number | undefined;
  /** Tokens. */
  readonly autoCompactTokenLimit: number | undefined;
  /** Tokens of one tool output that a model gets to see. */
  readonly toolOutputTokenLimit: number;
  readonly hideAgentReasoning: boolean;
  readonly showRawAgentReasoning: boolean;
  /** Bytes of instruction files; 0 leaves the project's out. */
  readonly projectDocMaxBytes: number;
  /** Names looked for where a folder has no AGENTS.md. */
  readonly projectDocFallbackNames: readonly string[];
  /** Replaces the built-in instructions of the model. */
  readonly instructionsFile: { readonly path: string; readonly text: string } | undefined;
  readonly developerInstructions: string | undefined;
  readonly compactPrompt: string | undefined;
  /** The longest run of a command that names no limit of its own, ms. */
  readonly commandTimeoutMs: number | undefined;
  /** Commands with full access run in a PID namespace too, where one can be had, so that a stop ends all they started. */
  readonly containFullAccess: boolean;
  /** Without bubblewrap, confined commands run behind what walls can be made without it, rather than not at all. */
  readonly allowPartialSandbox: boolean;
  /** What commands with full access leave running when they end by themselves is left alone; they run in no PID namespace. */
  readonly keepBackgroundProcesses: boolean;
  /** How much of recorded sessions is kept: bytes of all together, days since the last use; undefined: no limit. */
  readonly sessionLimits: { readonly maxBytes: number | undefined; readonly keepDays: number | undefined };
  /** The whole environment of a command, before what the sandbox adds. */
  readonly commandEnv: Readonly<Record<string, string>>;
  /**
   * The project's files besides its `config.toml` (rules.toml), from the git root down, with the text that was compared with
   * what the user trusted; empty where that is not what is there.
   */
  readonly projectFiles: readonly { readonly path: string; readonly text: string }[];
  /** The files that were read, lowest first. */
  readonly sources: readonly string[];
  /** For people, one line each. */
  readonly warnings: readonly string[];
}
