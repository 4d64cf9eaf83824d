/** The most redirects one request follows: a loop ends there. */
export const REDIRECT_LIMIT = 5;

/**
 * Where an answer sends a request. `elsewhere`: to another place than the configured one, where neither a key nor a prompt may
 * go; or by a status that would make a GET of it. `to` is an origin: no path, no query.
 */
export type Redirect =
  | { readonly type: "follow"; readonly url: URL }
  | { readonly type: "elsewhere"; readonly to: string };

/** Statuses that a POST is repeated for. Browsers turn 301 and 302 into a GET, which no model server can mean. */
const REPEATED: ReadonlySet<number> = new Set([301, 302, 307, 308]);

/** Undefined when the answer is no redirect. `from` is what was asked. */
export function redirectOf(status: number, location: string | undefined, from: URL): Redirect | undefined {
  if (status < 300 || status > 399 || location === undefined || !URL.canParse(location, from.href)) return undefined;
  const url = new URL(location, from);
  if (REPEATED.has(status) && (url.origin === from.origin || isSecured(from, url))) return { type: "follow", url };
  return { type: "elsewhere", to: url.origin === "null" ? url.protocol : url.origin.slice(0, 300) };
}

/** The same host, now with TLS. */
function isSecured(from: URL, to: URL): boolean {
  return from.protocol === "http:" && to.protocol === "https:" && from.hostname === to.hostname;
}
