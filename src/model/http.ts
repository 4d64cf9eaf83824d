import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Provider } from "../protocol/index.js";
import { bareHost, type ProxyAddress, ProxyError, proxyAddress, type TunnelOptions, tunnelAgent } from "./proxy.js";
import { LONGEST_TIMER_MS, ResponseBytes } from "./response-bytes.js";

/** One POST. `path` is appended to the base URL; header names are lower case. */
export interface Post {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The longest wait for the response's headers, ms. */
  readonly idleMs: number;
}

/** How a request came out. `failed`: no answer came; the error is the system's. */
export type Posted =
  | {
      readonly type: "response";
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly bytes: ResponseBytes;
    }
  | { readonly type: "failed"; readonly error: Error }
  | { readonly type: "idle" };

/** Connections to one provider, kept between requests. */
export interface HttpClient {
  /** Takes the response's connection back, its content being complete. */
  keep(bytes: ResponseBytes): void;
  /** Throws the signal's reason when it is cancelled: the connection, made or not, is closed in the same tick. */
  post(post: Post, signal: AbortSignal): Promise<Posted>;
  close(): void;
}

/** The module (`node:http` or `node:https`) and agent for a provider: loaded by the first request. */
interface Transport {
  readonly request: (options: TunnelOptions) => ClientRequest;
  readonly agent: Agent;
  readonly options: TunnelOptions;
  /** The path of a base URL, in the form this transport sends it. */
  readonly target: (path: string) => string;
}

export function createHttpClient(provider: Provider): HttpClient {
  let transport: Promise<Transport> | undefined;
  let agent: Agent | undefined;
  let closed = false;
  /** Connections that are about to be free. */
  const freeing = new Set<Promise<void>>();

  return {
    keep(bytes) {
      const freed = bytes.finish().then(() => void freeing.delete(freed));
      freeing.add(freed);
    },
    async post(post, signal) {
      signal.throwIfAborted();
      if (closed) return { type: "failed", error: new ProxyError("ERR_INVALID_STATE", "the model was closed") };
      let ready: Transport;
      try {
        transport ??= openTransport(provider);
        ready = await transport;
      } catch (error) {
        // A base URL or proxy URL that cannot be used: a setting to correct, told like any other failure to connect.
        return { type: "failed", error: error as Error };
      }
      agent = ready.agent;
      // A new connection costs more than the moment until the last one is free.
      await Promise.all(freeing);
      const first = await send(ready, post, signal);
      if (first !== "stale") return first;
      // The server had closed the kept connection. The others are as old: begin anew.
      for (const sockets of Object.values(ready.agent.freeSockets)) {
        for (const socket of sockets ?? []) socket.destroy();
      }
      const second = await send(ready, post, signal);
      return second === "stale" ? { type: "failed", error: new Error("the connection was closed") } : second;
    },
    close() {
      closed = true;
      agent?.destroy();
    },
  };
}

async function openTransport(provider: Provider): Promise<Transport> {
  if (!/^https?:/i.test(provider.baseUrl) || !URL.canParse(provider.baseUrl)) {
    throw new ProxyError("ERR_INVALID_URL", "base_url must start with http:// or https://");
  }
  const url = new URL(provider.baseUrl);
  const query = new URLSearchParams(url.search);
  for (const [name, value] of Object.entries(provider.queryParams)) query.set(name, value);
  const search = query.size === 0 ? "" : `?${query}`;
  const base = url.pathname.replace(/\/+$/, "");
  const target = (path: string) => `${base}${path}${search}`;
  const proxy = provider.proxyUrl === undefined ? undefined : proxyAddress(provider.proxyUrl);
  const kept = { keepAlive: true } as const;
  const host = bareHost(url.hostname);
  if (url.protocol === "https:") {
    const https = await import("node:https");
    const agent = proxy === undefined ? new https.Agent(kept) : await tunnelAgent(proxy, kept);
    const options = { host, port: url.port === "" ? 443 : Number(url.port), ...userOf(url) };
    return { request: https.request, agent, options, target };
  }
  if (proxy !== undefined) return plainProxyTransport(proxy, url, target);
  const http = await import("node:http");
  const options = { host, port: url.port === "" ? 80 : Number(url.port), ...userOf(url) };
  return { request: http.request, agent: new http.Agent(kept), options, target };
}

/** Plain HTTP through a proxy: the whole URL stands in the request line. */
async function plainProxyTransport(
  proxy: ProxyAddress,
  url: URL,
  target: (path: string) => string,
): Promise<Transport> {
  const { Agent, request } = proxy.secure ? await import("node:https") : await import("node:http");
  return {
    request,
    agent: new Agent({ keepAlive: true }),
    options: { host: proxy.host, port: proxy.port, headers: { host: url.host, ...proxy.headers }, ...userOf(url) },
    target: (path) => `${url.protocol}//${url.host}${target(path)}`,
  };
}

function userOf(url: URL): { auth?: string } {
  if (url.username === "" && url.password === "") return {};
  return { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` };
}

function send(transport: Transport, post: Post, signal: AbortSignal): Promise<Posted | "stale"> {
  signal.throwIfAborted();
  const { request, agent, options, target } = transport;
  const body = Buffer.from(post.body);
  const headers = { ...(options.headers as Record<string, string>), ...post.headers, "content-length": body.length };
  return new Promise((resolve, reject) => {
    let sent: ClientRequest;
    try {
      sent = request({ ...options, method: "POST", path: target(post.path), headers, agent, tunnelSignal: signal });
    } catch (error) {
      // A header or path that HTTP does not allow: a setting to correct. The message names the header, not its value.
      resolve({ type: "failed", error: error as Error });
      return;
    }
    // For as long as the exchange lives, also while nobody reads: cancelling closes the socket in the same tick.
    const stop = () => {
      clearTimeout(timer);
      sent.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
    sent.on("close", () => signal.removeEventListener("abort", stop));
    const timer = setTimeout(
      () => {
        sent.destroy();
        resolve({ type: "idle" });
      },
      Math.min(post.idleMs, LONGEST_TIMER_MS),
    );
    sent.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const stale = sent.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      resolve(stale ? "stale" : { type: "failed", error });
    });
    sent.on("response", (response: IncomingMessage) => {
      clearTimeout(timer);
      const bytes = new ResponseBytes(sent, response);
      resolve({ type: "response", status: response.statusCode ?? 0, headers: response.headers, bytes });
    });
    sent.end(body);
  });
}
