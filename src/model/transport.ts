import type { Agent, ClientRequest } from "node:http";
import type { Provider } from "../protocol/index.js";
import { bareHost, type ProxyAddress, proxyAddress, type TunnelOptions, tunnelAgent } from "./proxy.js";

/** The module (`node:http` or `node:https`) and agent for one origin of a provider: loaded by the first request. */
export interface Transport {
  readonly request: (options: TunnelOptions) => ClientRequest;
  readonly agent: Agent;
  readonly options: TunnelOptions;
  /** A path and query, in the form this transport sends it. */
  readonly target: (path: string) => string;
}

/** The transports of one provider by origin: the configured one, and the one with TLS where that has moved to. */
export interface Transports {
  /** Loaded when first asked for. Rejects with an error for people where a setting can't be used. */
  to(url: URL): Promise<Transport>;
  /** Closes all connections. */
  close(): void;
}

export function createTransports(provider: Provider): Transports {
  const opened = new Map<string, Promise<Transport>>();
  const agents = new Set<Agent>();
  return {
    async to(url) {
      const opening = opened.get(url.origin) ?? openTransport(provider, url);
      opened.set(url.origin, opening);
      const { agent } = await opening;
      agents.add(agent);
      return opening;
    },
    close() {
      for (const agent of agents) agent.destroy();
    },
  };
}

async function openTransport(provider: Provider, url: URL): Promise<Transport> {
  const proxy = provider.proxyUrl === undefined ? undefined : proxyAddress(provider.proxyUrl);
  const kept = { keepAlive: true } as const;
  const host = bareHost(url.hostname);
  const user = userOf(new URL(provider.baseUrl));
  const target = (path: string) => path;
  if (url.protocol === "https:") {
    const https = await import("node:https");
    const agent = proxy === undefined ? new https.Agent(kept) : await tunnelAgent(proxy, kept);
    const options = { host, port: url.port === "" ? 443 : Number(url.port), ...user };
    return { request: https.request, agent, options, target };
  }
  if (proxy !== undefined) return plainProxyTransport(proxy, url, user);
  const http = await import("node:http");
  const options = { host, port: url.port === "" ? 80 : Number(url.port), ...user };
  return { request: http.request, agent: new http.Agent(kept), options, target };
}

/** Plain HTTP through a proxy: the whole URL stands in the request line. */
async function plainProxyTransport(proxy: ProxyAddress, url: URL, user: { auth?: string }): Promise<Transport> {
  const { Agent, request } = proxy.secure ? await import("node:https") : await import("node:http");
  return {
    request,
    agent: new Agent({ keepAlive: true }),
    options: { host: proxy.host, port: proxy.port, headers: { host: url.host, ...proxy.headers }, ...user },
    target: (path) => `${url.protocol}//${url.host}${path}`,
  };
}

function userOf(url: URL): { auth?: string } {
  if (url.username === "" && url.password === "") return {};
  return { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` };
}
