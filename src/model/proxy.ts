import type { Agent, RequestOptions } from "node:http";
import type { AgentOptions } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** A proxy that refused, or cannot be used. `code` starts with ERR_PROXY when another try is pointless. */
export class ProxyError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "ProxyError";
    this.code = code;
  }
}

/** Where the proxy listens and how to sign in. Throws a `ProxyError` for a URL that is no HTTP proxy. */
export interface ProxyAddress {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
}

export function proxyAddress(url: string): ProxyAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "http:" && parsed?.protocol !== "https:") {
    throw new ProxyError("ERR_PROXY_URL", "the proxy's URL must start with http:// or https://");
  }
  const secure = parsed.protocol === "https:";
  const user = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
  return {
    secure,
    host: bareHost(parsed.hostname),
    port: parsed.port === "" ? (secure ? 443 : 80) : Number(parsed.port),
    headers: user === ":" ? {} : { "proxy-authorization": `Basic ${Buffer.from(user).toString("base64")}` },
  };
}

/** The host as sockets want it: an IPv6 address without its brackets. */
export function bareHost(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

/** Request options with the signal that cancels the making of its connection. */
export interface TunnelOptions extends RequestOptions {
  readonly tunnelSignal?: AbortSignal;
}

type Connected = (error: Error | null, socket?: Duplex) => void;

/** An agent whose TLS connections go through a CONNECT tunnel. They are kept and reused like direct ones. */
export async function tunnelAgent(proxy: ProxyAddress, options: AgentOptions): Promise<Agent> {
  const https = await import("node:https");
  const tls = await import("node:tls");
  const { request } = proxy.secure ? https : await import("node:http");
  const agent = new https.Agent(options);
  const createConnection = (target: TunnelOptions, connected: Connected): void => {
    const { tunnelSignal } = target;
    const host = String(target.host);
    const path = `${host.includes(":") ? `[${host}]` : host}:${target.port}`;
    const asking = request({
      host: proxy.host,
      port: proxy.port,
      method: "CONNECT",
      path,
      headers: { host: path, ...proxy.headers },
      agent: false,
      ...(tunnelSignal === undefined ? {} : { signal: tunnelSignal }),
    });
    asking.once("error", connected);
    asking.once("connect", (answer, tunnel: Socket) => {
      if (answer.statusCode === 200) {
        connected(null, tls.connect({ ...target, path: undefined, socket: tunnel } as object));
        return;
      }
      tunnel.destroy();
      connected(new ProxyError("ERR_PROXY_REFUSED", `the proxy answered ${answer.statusCode} to CONNECT`));
    });
    asking.end();
  };
  return Object.assign(agent, { createConnection });
}
