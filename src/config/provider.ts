import type { Provider } from "../protocol/index.js";
import { set } from "./home.js";
import { find, keysOf, type Settings, show } from "./layers.js";
import { chooseProxy } from "./proxy.js";
import { addProblem, readBoolean, readChoice, readInteger, readName, readText, readTextMap } from "./reader.js";
import type { Config, Env } from "./types.js";

/** What the settings say of reaching a model. */
export interface ProviderChoice extends Pick<Config, "provider" | "openaiAuth" | "missingKey"> {
  /** The model of a provider that has its own; such a provider takes no model that was set for another. */
  readonly ownModel: string | undefined;
}

interface BuiltIn {
  readonly name: string;
  readonly baseUrl: string | undefined;
  /** Where `baseUrl` comes from, for messages. */
  readonly baseUrlFrom?: string;
  readonly wireApi: Provider["wireApi"];
  readonly openaiAuth?: boolean;
  readonly ownModel?: string;
}

const OLLAMA_PORT = 11434;
const LM_STUDIO_PORT = 1234;
const LOCAL_MODEL = "gpt-oss:20b";
const BUILT_IN = ["openai", "oss", "ollama", "lmstudio", "demo"];
/** The longest time a timer can be set to, ms. */
const MAX_TIMER = 2 ** 31 - 1;

/**
 * The provider that `model_provider` names: a built-in one, with what `[model_providers.ID]` says laid over it (but for
 * `demo`), or one of the user's. Undefined when it can't be made; the problems are in the settings.
 */
export function readProvider(settings: Settings, env: Env): ProviderChoice | undefined {
  const id = readName(settings, ["model_provider"]) ?? "openai";
  const own = keysOf(settings, ["model_providers"]);
  if (id === "demo") return demoProvider();
  if (!BUILT_IN.includes(id) && !own.includes(id)) {
    const known = [...new Set([...BUILT_IN, ...own])].join(", ");
    addProblem(settings, ["model_provider"], `unknown provider ${show(id)}; known are ${known}`);
    return undefined;
  }
  const base = builtIn(settings, { id, env }) ?? { name: id, baseUrl: undefined, wireApi: "responses" as const };
  const at = (key: string) => ["model_providers", id, key];
  const url = readBaseUrl(settings, { id, base });
  const openaiAuth = readBoolean(settings, at("requires_openai_auth")) ?? base.openaiAuth ?? false;
  const key = readKey(settings, { id, env, openaiAuth });
  if (url === undefined) return undefined;
  const proxy = chooseProxy(url, env);
  if (!proxy.ok) settings.problems.add(proxy.message);
  const provider: Provider = {
    id,
    name: readText(settings, at("name")) ?? base.name,
    baseUrl: url.href.replace(/\/+$/, ""),
    wireApi: readChoice(settings, at("wire_api"), ["responses", "chat"]) ?? base.wireApi,
    apiKey: key.apiKey,
    headers: readHeaders(settings, { id, env }),
    queryParams: readTextMap(settings, at("query_params")),
    requestMaxRetries: readInteger(settings, at("request_max_retries"), { min: 0, max: 100 }) ?? 4,
    streamMaxRetries: readInteger(settings, at("stream_max_retries"), { min: 0, max: 100 }) ?? 5,
    streamIdleTimeoutMs: Math.min(
      readInteger(settings, at("stream_idle_timeout_ms"), { min: 1 }) ?? 300_000,
      MAX_TIMER,
    ),
    proxyUrl: proxy.ok ? proxy.url : undefined,
  };
  return { provider, openaiAuth, missingKey: key.missing, ownModel: base.ownModel };
}

function demoProvider(): ProviderChoice {
  const provider: Provider = {
    id: "demo",
    name: "Demo",
    baseUrl: "",
    wireApi: "demo",
    apiKey: undefined,
    headers: {},
    queryParams: {},
    requestMaxRetries: 0,
    streamMaxRetries: 0,
    streamIdleTimeoutMs: 300_000,
    proxyUrl: undefined,
  };
  return { provider, openaiAuth: false, missingKey: undefined, ownModel: "demo" };
}

function builtIn(settings: Settings, { id, env }: { readonly id: string; readonly env: Env }): BuiltIn | undefined {
  if (id === "openai") {
    const named = set(env.OPENAI_BASE_URL);
    const baseUrl = named ?? "https://api.openai.com/v1";
    return { name: "OpenAI", baseUrl, baseUrlFrom: "OPENAI_BASE_URL", wireApi: "responses", openaiAuth: true };
  }
  if (id !== "oss" && id !== "ollama" && id !== "lmstudio") return undefined;
  const kind = id === "oss" ? (readChoice(settings, ["oss_provider"], ["ollama", "lmstudio"]) ?? "ollama") : id;
  return {
    name: kind === "ollama" ? "Ollama" : "LM Studio",
    ...localUrl(settings, { env, port: kind === "ollama" ? OLLAMA_PORT : LM_STUDIO_PORT }),
    wireApi: "chat",
    ownModel: LOCAL_MODEL,
  };
}

function localUrl(
  settings: Settings,
  { env, port }: { readonly env: Env; readonly port: number },
): Pick<BuiltIn, "baseUrl" | "baseUrlFrom"> {
  const whole = set(env.CODEX_OSS_BASE_URL);
  if (whole !== undefined) return { baseUrl: whole, baseUrlFrom: "CODEX_OSS_BASE_URL" };
  const own = set(env.CODEX_OSS_PORT) ?? String(port);
  const isPort = /^\d{1,5}$/.test(own) && Number(own) >= 1 && Number(own) <= 65_535;
  if (!isPort) settings.problems.add(`CODEX_OSS_PORT: expected a port, 1 to 65535; got ${show(own)}`);
  return { baseUrl: `http://localhost:${isPort ? own : port}/v1` };
}

/** The wire appends its path to the URL: it must be http(s) and end where a path may go on. */
function readBaseUrl(
  settings: Settings,
  { id, base }: { readonly id: string; readonly base: BuiltIn },
): URL | undefined {
  const path = ["model_providers", id, "base_url"];
  const own = readName(settings, path);
  const text = own ?? base.baseUrl;
  const wrong = (what: string): undefined => {
    if (own !== undefined || base.baseUrlFrom === undefined) addProblem(settings, path, what);
    else settings.problems.add(`${base.baseUrlFrom}: ${what}`);
    return undefined;
  };
  // A key that is set but not a string has its problem noted already.
  if (text === undefined) return find(settings, path) === undefined ? wrong("is missing") : undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return wrong(`expected an http:// or https:// URL; got ${show(text)}`);
  }
  if (url.username !== "" || url.password !== "") return wrong("holds a password: put the key into env_key");
  if (url.search !== "" || url.hash !== "") return wrong("ends with a query or a #: put queries into query_params");
  return url;
}

interface Key {
  readonly apiKey: string | undefined;
  readonly missing: Config["missingKey"];
}

/** The key of `env_key`; else, where OpenAI's credentials are meant, of CODEX_API_KEY or OPENAI_API_KEY; else none. */
function readKey(
  settings: Settings,
  options: { readonly id: string; readonly env: Env; readonly openaiAuth: boolean },
): Key {
  const { id, env, openaiAuth } = options;
  const named = readName(settings, ["model_providers", id, "env_key"]);
  const instructions = readText(settings, ["model_providers", id, "env_key_instructions"]);
  const names = named !== undefined ? [named] : openaiAuth ? ["CODEX_API_KEY", "OPENAI_API_KEY"] : [];
  for (const name of names) {
    const value = set(env[name]?.trim());
    if (value === undefined) continue;
    if (!isHeaderValue(value)) settings.problems.add(`${name}: holds characters that a header can't carry`);
    return { apiKey: value, missing: undefined };
  }
  const envKey = names.at(-1);
  return { apiKey: undefined, missing: envKey === undefined ? undefined : { envKey, instructions } };
}

/** `http_headers`, and over them `env_http_headers` (header -> variable) where the variable holds something. */
function readHeaders(
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
