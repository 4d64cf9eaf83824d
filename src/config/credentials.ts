import { set } from "./home.js";
import { find, type Settings } from "./layers.js";
import { addProblem, readName, readText, readTextMap } from "./reader.js";
import type { Config, Env } from "./types.js";

interface Key {
  readonly apiKey: string | undefined;
  readonly missing: Config["missingKey"];
}

/**
 * The key of `env_key`'s variable; else `experimental_bearer_token`; else, where no variable is named and OpenAI's credentials are
 * meant, that of CODEX_API_KEY or OPENAI_API_KEY; else none. Never shown, whatever is wrong with it.
 */
export function readKey(
  settings: Settings,
  options: { readonly id: string; readonly env: Env; readonly openaiAuth: boolean },
): Key {
  const { id, env, openaiAuth } = options;
  const named = readName(settings, ["model_providers", id, "env_key"]);
  const instructions = readText(settings, ["model_providers", id, "env_key_instructions"]);
  const token = readToken(settings, { id, alone: named === undefined });
  const stored = named !== undefined || !openaiAuth ? [] : ["CODEX_API_KEY", "OPENAI_API_KEY"];
  const apiKey =
    heldBy(settings, { env, names: named === undefined ? [] : [named] }) ??
    token ??
    heldBy(settings, { env, names: stored });
  if (apiKey !== undefined) return { apiKey, missing: undefined };
  const envKey = named ?? stored.at(-1);
  return { apiKey: undefined, missing: envKey === undefined ? undefined : { envKey, instructions } };
}

/** What the first of the variables holds that holds anything. */
function heldBy(
  settings: Settings,
  { env, names }: { readonly env: Env; readonly names: readonly string[] },
): string | undefined {
  for (const name of names) {
    const value = set(env[name]?.trim());
    if (value === undefined) continue;
    if (!isHeaderValue(value)) settings.problems.add(`${name}: holds characters that a header can't carry`);
    return value;
  }
  return undefined;
}

/** `alone`: nothing else is named that could hold the key. */
function readToken(
  settings: Settings,
  { id, alone }: { readonly id: string; readonly alone: boolean },
): string | undefined {
  const path = ["model_providers", id, "experimental_bearer_token"];
  const value = find(settings, path)?.value;
  if (value === undefined) return undefined;
  // Some write the whole header's value.
  const token = typeof value === "string" ? value.trim().replace(/^Bearer\s+/i, "") : undefined;
  if (token === undefined) addProblem(settings, path, "expected a string");
  else if (token === "" && alone) addProblem(settings, path, "is empty");
  else if (!isHeaderValue(token)) addProblem(settings, path, "its value holds characters that a header can't carry");
  return set(token);
}

/** `http_headers`, and over them `env_http_headers` (header -> variable) where the variable holds something. */
export function readHeaders(
  settings: Settings,
  { id, env }: { readonly id: string; readonly env: Env },
): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  const take = (path: readonly string[], value: string) => {
    const name = path.at(-1)!;
    if (!/^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/.test(name)) addProblem(settings, path, "is no name of a header");
    // The value may be a secret, and is not shown.
    else if (!isHeaderValue(value)) addProblem(settings, path, "its value holds characters that a header can't carry");
    else headers[name] = value;
  };
  for (const source of ["http_headers", "env_http_headers"]) {
    const path = ["model_providers", id, source];
    for (const [name, text] of Object.entries(readTextMap(settings, path))) {
      const value = source === "http_headers" ? text : set(env[text]?.trim());
      if (value !== undefined) take([...path, name], value);
    }
  }
  return headers;
}

function isHeaderValue(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}
