import type { Provider } from "../protocol/index.js";

/** What a name ends with that holds a secret: x-api-key, session_token. A word within it does not count: x-portkey-provider. */
const SECRET_NAME =
  /(?:key|token|secret|authorization|auth|cookie|password|passwd|credentials?|signature|jwt|(?:^|[^a-z])(?:sig|pwd|pass))$/i;
/** What is shorter may be a common word, and would be hidden everywhere. */
const SHORTEST_SECRET = 8;

/** The text without the provider's key, its secret headers and query parameters, and user info, should a server repeat them. */
export function redact(provider: Provider, text: string): string {
  let rest = text;
  for (const secret of secretsOf(provider)) rest = rest.replaceAll(secret, "[secret]");
  return rest;
}

/** Longest first: one may be a part of another. */
function secretsOf(provider: Provider): string[] {
  const named = [
    ...Object.entries(provider.headers).flatMap(([name, value]) => (isSecret(name) ? headerSecrets(name, value) : [])),
    ...Object.entries(provider.queryParams).flatMap(([name, value]) => (isSecret(name) ? [value] : [])),
    ...urlSecrets(provider.baseUrl),
    ...(provider.proxyUrl === undefined ? [] : urlSecrets(provider.proxyUrl)),
    ...(provider.apiKey === undefined ? [] : [provider.apiKey]),
  ];
  const all = new Set(named.flatMap((secret) => [secret, encodeURIComponent(secret)]));
  return [...all].filter((secret) => secret.length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length);
}

function isSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** The value, and what in it is the secret proper: the token behind its scheme, the values of cookies. */
function headerSecrets(name: string, value: string): string[] {
  const scheme = /^\s*([A-Za-z][\w-]*)\s+(\S.*?)\s*$/.exec(value);
  const found = scheme === null ? [value] : [value, scheme[2]!];
  if (scheme?.[1]?.toLowerCase() === "basic") {
    const user = Buffer.from(scheme[2]!, "base64").toString("utf8");
    found.push(user, user.slice(user.indexOf(":") + 1));
  }
  if (/cookie$/i.test(name)) found.push(...value.split(";").map((pair) => pair.slice(pair.indexOf("=") + 1).trim()));
  return found;
}

/** User info in the forms it may be repeated in, and secret parameters of the query. */
function urlSecrets(address: string): string[] {
  if (!URL.canParse(address)) return [];
  const url = new URL(address);
  const found = [...url.searchParams].flatMap(([name, value]) => (isSecret(name) ? [value] : []));
  if (url.username === "" && url.password === "") return found;
  const plain = `${decoded(url.username)}:${decoded(url.password)}`;
  return [
    ...found,
    decoded(url.username),
    decoded(url.password),
    url.username,
    url.password,
    // As in a URL, however short.
    `//${url.username}${url.password === "" ? "" : `:${url.password}`}@`,
    plain,
    Buffer.from(plain).toString("base64"),
  ];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone % in a URL: it stands for itself.
    return text;
  }
}
