import { set } from "./home.js";
import type { Env } from "./types.js";

/** `url` undefined: no proxy. `message` names the variable, never its value: a proxy's URL may hold a password. */
export type ProxyChoice =
  | { readonly ok: true; readonly url: string | undefined }
  | { readonly ok: false; readonly message: string };

/**
 * The HTTP proxy for a URL, as curl reads the environment: `https_proxy` or `http_proxy` by the URL's scheme, else `all_proxy`;
 * each in lower case first, then in upper; unless `no_proxy` names the host. Loopback is never reached through a proxy.
 * A proxy that is named but can't be used is an error: going around it in silence could break a rule of the network.
 */
export function chooseProxy(target: URL, env: Env): ProxyChoice {
  const host = plainHost(target.hostname);
  if (isLoopback(host) || isExempt(target, env)) return { ok: true, url: undefined };
  const scheme = target.protocol === "https:" ? "https_proxy" : "http_proxy";
  for (const name of [scheme, scheme.toUpperCase(), "all_proxy", "ALL_PROXY"]) {
    const value = set(env[name]?.trim());
    if (value !== undefined) return parseProxy(name, value);
  }
  return { ok: true, url: undefined };
}

function parseProxy(name: string, value: string): ProxyChoice {
  const text = value.includes("://") ? value : `http://${value}`;
  if (!URL.canParse(text)) return { ok: false, message: `${name}: expected the URL of a proxy` };
  const url = new URL(text);
  if (url.protocol === "http:" || url.protocol === "https:") return { ok: true, url: url.href };
  return { ok: false, message: `${name}: expected an http:// or https:// proxy; got one of ${url.protocol}//` };
}

/** `no_proxy`: hosts (with what is below them), `.suffixes`, IPv4 ranges (10.0.0.0/8), each with a :port or not; or `*`. */
function isExempt(target: URL, env: Env): boolean {
  const list = set(env.no_proxy) ?? set(env.NO_PROXY) ?? "";
  const host = plainHost(target.hostname);
  const port = target.port === "" ? (target.protocol === "https:" ? "443" : "80") : target.port;
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => entry === "*" || matches(entry.toLowerCase(), { host, port }));
}

function matches(entry: string, target: { readonly host: string; readonly port: string }): boolean {
  if (entry.includes("/")) return inRange(entry, target.host);
  // A port follows a name, an IPv4 address or a bracketed IPv6 one; two colons without brackets are an IPv6 address.
  const split = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry);
  const name = plainHost((split?.[1] ?? entry).replace(/^\*?\./, ""));
  if (split?.[2] !== undefined && split[2] !== target.port) return false;
  return name !== "" && (target.host === name || target.host.endsWith(`.${name}`));
}

function inRange(entry: string, host: string): boolean {
  const [base = "", bits = ""] = entry.split("/", 2);
  const low = ipv4(base);
  const address = ipv4(host);
  if (low === undefined || address === undefined || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(low / size) === Math.floor(address / size);
}

function isLoopback(host: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost") || host === "::1") return true;
  const address = ipv4(host);
  return address !== undefined && Math.floor(address / 2 ** 24) === 127;
}

function ipv4(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((address, part) => address * 256 + part, 0);
}

/** Without the brackets of IPv6 and the dot that may end a full name. */
function plainHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}
