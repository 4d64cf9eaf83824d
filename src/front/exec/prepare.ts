import { resolve } from "node:path";
import { type Config, findGitRoot, loadConfig } from "../../config/index.js";
import type { InputItem } from "../../protocol/index.js";
import type { FrontDeps } from "../host/index.js";
import { findImages, readPrompt } from "./input.js";
import { findMessageFile, type MessageFile } from "./last-message.js";
import type { ExecArgs } from "./run-flags.js";
import { type JsonSchema, readSchemaFile } from "./schema.js";

/** All that a run needs, checked before anything starts. */
export interface Prepared {
  readonly ok: true;
  readonly config: Config;
  readonly prompt: string;
  readonly items: readonly InputItem[];
  readonly schema: JsonSchema | undefined;
  readonly messageFile: MessageFile | undefined;
}

export interface Refused {
  readonly ok: false;
  /** For people; may have several lines. */
  readonly message: string;
}

/** Reads configuration, files and stdin. Whatever is wrong with them is said here, and costs nothing. */
export async function prepareRun(args: ExecArgs, deps: FrontDeps): Promise<Prepared | Refused> {
  const loaded = await loadConfig({
    env: deps.env,
    cwd: deps.cwd,
    profile: args.profile,
    overrides: args.overrides,
    flags: {
      model: args.model,
      cwd: args.cwd,
      sandboxMode: args.sandbox,
      oss: args.oss ? true : undefined,
    },
  });
  if (!loaded.ok) return loaded;
  // Nobody is there to be asked; what the user set all the same has been read, and is right.
  const config: Config = { ...loaded.config, approvalPolicy: "never" };
  const refusal = refusalOf(config, args);
  if (refusal !== undefined) return { ok: false, message: refusal };

  const files = await readFiles(args, deps.cwd);
  if (!files.ok) return files;
  const prompt = await readPrompt({
    argument: args.prompt,
    stdin: deps.stdin,
    notice: (text) => void deps.stderr.write(`belay: ${text}\n`),
  });
  if (!prompt.ok) return prompt;
  const items: InputItem[] = [
    ...files.images.map((path) => ({ type: "local_image" as const, path })),
    { type: "text", text: prompt.text },
  ];
  return { ok: true, config, prompt: prompt.text, items, schema: files.schema, messageFile: files.messageFile };
}

function refusalOf(config: Config, args: ExecArgs): string | undefined {
  const trusted = config.projectTrust === "trusted" || args.skipGitRepoCheck || args.bypass;
  if (!trusted && findGitRoot(config.cwd) === undefined) {
    return `${config.cwd} is in no git repository, and may not be the folder you mean: work in one (-C DIR, git init), or say --skip-git-repo-check`;
  }
  if (config.missingKey === undefined) return undefined;
  const { envKey, instructions } = config.missingKey;
  return [
    `no API key for provider "${config.provider.id}": the environment variable ${envKey} is not set`,
    instructions ?? `set it: export ${envKey}=...`,
    "without a key: belay demo shows the program at work, --oss uses a model on this machine",
  ].join("\n");
}

type Files =
  | Refused
  | {
      readonly ok: true;
      readonly images: readonly string[];
      readonly schema: JsonSchema | undefined;
      readonly messageFile: MessageFile | undefined;
    };

/** Paths of the command line start where the program was started, whatever -C says. */
async function readFiles(args: ExecArgs, cwd: string): Promise<Files> {
  const images = await findImages(args.images, cwd);
  if (!images.ok) return images;
  let schema: JsonSchema | undefined;
  if (args.schemaFile !== undefined) {
    const read = await readSchemaFile(resolve(cwd, args.schemaFile));
    if (!read.ok) return read;
    schema = read.schema;
  }
  if (args.lastMessageFile === undefined) return { ok: true, images: images.paths, schema, messageFile: undefined };
  const messageFile = await findMessageFile(resolve(cwd, args.lastMessageFile));
  if (typeof messageFile === "string") return { ok: false, message: `-o ${args.lastMessageFile}: ${messageFile}` };
  return { ok: true, images: images.paths, schema, messageFile };
}
