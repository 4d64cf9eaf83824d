import { dotted, find, keysOf, type Settings } from "./layers.js";
import { addProblem } from "./reader.js";

/** Keys of a provider that count. */
const HONOURED: ReadonlySet<string> = new Set([
  ...["name", "base_url", "wire_api", "query_params", "http_headers", "env_http_headers"],
  ...["env_key", "env_key_instructions", "experimental_bearer_token", "requires_openai_auth"],
  ...["request_max_retries", "stream_max_retries", "stream_idle_timeout_ms", "stream_content_timeout_ms"],
  ...["extra_body", "compat"],
]);

/** Keys of Codex's whose absence changes nothing: no request goes through a web socket here. */
const HARMLESS: ReadonlySet<string> = new Set(["supports_websockets", "websocket_connect_timeout_ms"]);

/** Keys of Codex's that say as whom a request goes, in a way that is not known here. Without them another would be asked, or nobody. */
const REFUSED: Readonly<Record<string, string>> = {
  auth: "commands that print a token are not run; put the token into a variable and name it with env_key, or set experimental_bearer_token",
  aws: "requests are not signed for AWS; set base_url to an address that takes a key, and name the key's variable with env_key",
  gateway_oauth:
    "Belay can't sign in at a gateway; put the token it wants into a variable and name it with env_http_headers",
};

/** Words in the name of a key that says where or as whom a request goes. */
const GRAVE =
  /(?:^|_)(?:api_?key|auth|authorization|oauth2?|tokens?|secrets?|credentials?|account|aws|sigv4|signing|gateway|proxy|ur[li]|host|endpoint)(?:_|$)/;

/**
 * Looks at the keys of the provider that is used: one that would send requests elsewhere, or as someone else, is a problem
 * where it is not known. The others that are not known are returned, dotted.
 */
export function checkProviderKeys(settings: Settings, id: string): readonly string[] {
  const path = ["model_providers", id];
  return keysOf(settings, path).flatMap((key): string[] => {
    const at = [...path, key];
    if (HONOURED.has(key) || HARMLESS.has(key) || find(settings, at)?.value === false) return [];
    const why = Object.hasOwn(REFUSED, key) ? REFUSED[key] : GRAVE.test(snakeCased(key)) ? UNKNOWN : undefined;
    if (why === undefined) return [dotted(at)];
    addProblem(settings, at, why);
    return [];
  });
}

/** People write `baseURL` and `api-key` too. */
function snakeCased(key: string): string {
  return key
    .replace(/([a-z\d])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase();
}

const UNKNOWN =
  "is not known, and may say where or as whom requests go; say it with base_url, env_key, http_headers or env_http_headers";
