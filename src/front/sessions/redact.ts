import { hostname } from "node:os";

type Env = Readonly<Record<string, string | undefined>>;

/** What keys and tokens look like: of the providers whose keys turn up in the output of commands most. */
const SECRETS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b(?:sk|rk|pk)[-_][A-Za-z0-9_-]{16,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\bxox[a-z]-[A-Za-z0-9-]{10,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\bnpm_[A-Za-z0-9]{30,}/g,
  /\bhf_[A-Za-z0-9]{20,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
];
/** `Bearer x`, `password = x`, `API_KEY: "x"`, `https://user:x@host`: what stands before the secret stays. */
const NAMED: readonly RegExp[] = [
  /(\bBearer\s+)[A-Za-z0-9._~+/=-]{8,}/gi,
  /(\b[\w-]*(?:password|passwd|secret|token|api[_-]?key|apikey|credential)[\w-]*\\?["']?\s*[:=]\s*\\?["']?)[^\s"'\\,;]{4,}/gi,
  /(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:)[^\s/@]+(?=@)/gi,
];

/** Variables whose values are no secret and stand in every other sentence. */
const PLAIN = /^(PATH|PWD|OLDPWD|HOME|SHELL|TERM|COLORTERM|LANG|LANGUAGE|LC_.*|TZ|USER|LOGNAME|EDITOR|PAGER|SHLVL|_)$/;
const SHORTEST_VALUE = 6;

/** Masks what a person would not want to send along: keys, values of the environment, home folders, the machine's name. */
export function redactor(env: Env): (text: string) => string {
  const values = Object.entries(env)
    .filter(
      ([name, value = ""]) =>
        !PLAIN.test(name) && value.trim().length >= SHORTEST_VALUE && !/^(true|false|\d+)$/.test(value),
    )
    .flatMap(([name, value = ""]) => inTexts(value).map((text): [string, string] => [text, `<env ${name}>`]));
  const homes = [env.HOME, env.USERPROFILE, env.BELAY_HOME, env.CODEX_HOME].flatMap((home): [string, string][] =>
    home === undefined || home.length < 3 ? [] : [[home, "~"]],
  );
  const user = env.USER ?? env.LOGNAME ?? "";
  // The longest first: a value may be a part of another.
  const exact = [...values, ...homes].sort(([a], [b]) => b.length - a.length);
  return (text) => {
    let out = text;
    for (const [value, mask] of exact) out = out.replaceAll(value, mask);
    for (const pattern of SECRETS) out = out.replace(pattern, "<secret>");
    for (const pattern of NAMED) out = out.replace(pattern, "$1<secret>");
    out = out.replace(/(\/(?:home|Users)\/|[A-Za-z]:\\\\?Users\\\\?)[^/\\\s"':]+/g, "$1user");
    if (user.length >= 3 && user !== "root")
      out = out.replaceAll(new RegExp(`\\b${user.replace(/[^A-Za-z0-9_]/g, "\\$&")}\\b`, "g"), "user");
    const host = hostname();
    return host.length >= 4 && host !== "localhost" ? out.replaceAll(host, "<host>") : out;
  };
}

/** A value as it stands in a text, and as it stands in a text that is JSON. */
function inTexts(value: string): string[] {
  const escaped = JSON.stringify(value).slice(1, -1);
  return escaped === value ? [value] : [value, escaped];
}

/** Fields whose texts no pattern can judge: pictures, and what is sealed for the provider. */
const OPAQUE = new Set(["image_url", "encrypted_content"]);

/** The same for every text in a value of JSON, names of fields as well; pictures and sealed texts go. */
export function redactValue(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((one) => redactValue(one, redact));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const masked = OPAQUE.has(key) && typeof one === "string" ? `<${key}>` : redactValue(one, redact);
      return [redact(key), masked];
    }),
  );
}
