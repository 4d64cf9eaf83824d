import type { Provider } from "../protocol/index.js";
import { readCompat, readExtraBody } from "./compat.js";
import { readHeaders, readKey } from "./credentials.js";
import { set } from "./home.js";
import { find, type KeyPath, keysOf, type Settings, show } from "./layers.js";
import { checkProviderKeys } from "./provider-keys.js";
import { chooseProxy } from "./proxy.js";
import { addProblem, readBoolean, readChoice, readInteger, readName, readText, readTextMap } from "./reader.js";
import type { Config, Env } from "./types.js";

/** What the settings say of reaching a model. */
export interface ProviderChoice extends Pick<Config, "provider" | "openaiAuth" | "missingKey"> {
  /** The model of a provider that has its own; such a provider takes no model that was set for another. */
  readonly ownModel: string | undefined;
  /** Keys of the provider that are not known, dotted. */
  readonly unusedKeys: readonly string[];
}

interface BuiltIn {
  readonly name: string;
  readonly baseUrl: string | undefined;
  /** Where `baseUrl` comes from, for messages: a variable or a key. */
  readonly baseUrlFrom?: string | KeyPath;
  readonly wireApi: Provider["wireApi"];
  readonly openaiAuth?: boolean;
  readonly ownModel?: string;
}

const OLLAMA_PORT = 11434;
const LM_STUDIO_PORT = 1234;
const OPENAI_URL: KeyPath = ["openai_base_url"];
const LOCAL_MODEL = "gpt-oss:20b";
const BUILT_IN = ["openai", "oss", "ollama", "lmstudio", "demo"];
/** The longest time a timer can be set to, ms. */
const MAX_TIMER = 2 ** 31 - 1;
/** The longest wait for an answer that is not asked for, ms. */
const MAX_QUIET = 1_800_000;

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
  const unusedKeys = checkProviderKeys(settings, id);
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
    ...readTimeouts(settings, id),
    extraBody: readExtraBody(settings, id),
    compat: readCompat(settings, { id, url }),
    proxyUrl: proxy.ok ? proxy.url : undefined,
  };
  return { provider, openaiAuth, missingKey: key.missing, ownModel: base.ownModel, unusedKeys };
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
    streamContentTimeoutMs: MAX_QUIET,
    extraBody: {},
    compat: {},
    proxyUrl: undefined,
  };
  return { provider, openaiAuth: false, missingKey: undefined, ownModel: "demo", unusedKeys: [] };
}

/** Without an answer for long, a stream that shows signs of life is dead all the same: but never sooner than a silent one. */
function readTimeouts(
  settings: Settings,
  id: string,
): Pick<Provider, "streamIdleTimeoutMs" | "streamContentTimeoutMs"> {
  const read = (key: string) => readInteger(settings, ["model_providers", id, key], { min: 1 });
  const idle = Math.min(read("stream_idle_timeout_ms") ?? 300_000, MAX_TIMER);
  const content = read("stream_content_timeout_ms") ?? Math.max(idle, Math.min(MAX_QUIET, Math.max(10 * idle, 5_000)));
  return { streamIdleTimeoutMs: idle, streamContentTimeoutMs: Math.min(content, MAX_TIMER) };
}

function builtIn(settings: Settings, { id, env }: { readonly id: string; readonly env: Env }): BuiltIn | undefined {
  if (id === "openai") {
    const key = readName(settings, OPENAI_URL);
    const baseUrl = key ?? set(env.OPENAI_BASE_URL) ?? "https://api.openai.com/v1";
    const baseUrlFrom = key === undefined ? "OPENAI_BASE_URL" : OPENAI_URL;
    return { name: "OpenAI", baseUrl, baseUrlFrom, wireApi: "responses", openaiAuth: true };
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
    const { baseUrlFrom } = base;
    if (own !== undefined || baseUrlFrom === undefined) addProblem(settings, path, what);
    else if (typeof baseUrlFrom === "string") settings.problems.add(`${baseUrlFrom}: ${what}`);
    else addProblem(settings, baseUrlFrom, what);
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
