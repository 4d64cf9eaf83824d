import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Provider } from "../protocol/index.js";
import { ProxyError } from "./proxy.js";
import { REDIRECT_LIMIT, type Redirect, redirectOf } from "./redirect.js";
import { LONGEST_TIMER_MS, ResponseBytes } from "./response-bytes.js";
import { UnpackedBytes } from "./response-encoding.js";
import { createTransports, type Transport } from "./transport.js";

/** One POST. `path` is appended to the base URL; header names are lower case. */
export interface Post {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The longest wait for the response's headers, ms. */
  readonly idleMs: number;
}

/**
 * How a request came out. `failed`: no answer came; the error is the system's. `redirected`: to an origin that is not the
 * configured one, or, without `to`, again and again.
 */
export type Posted =
  | {
      readonly type: "response";
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly bytes: UnpackedBytes;
    }
  | { readonly type: "redirected"; readonly status: number; readonly to: string | undefined }
  | { readonly type: "failed"; readonly error: Error }
  | { readonly type: "idle" };

/** Connections to one provider, kept between requests. */
export interface HttpClient {
  /** Takes the response's connection back, its content being complete. */
  keep(bytes: UnpackedBytes): void;
  /** Throws the signal's reason when it is cancelled: the connection, made or not, is closed in the same tick. */
  post(post: Post, signal: AbortSignal): Promise<Posted>;
  close(): void;
}

export function createHttpClient(provider: Provider): HttpClient {
  const transports = createTransports(provider);
  let closed = false;
  /** Connections that are about to be free. */
  const freeing = new Set<Promise<void>>();

  const keep = (bytes: UnpackedBytes) => {
    const freed = bytes.finish().then(() => void freeing.delete(freed));
    freeing.add(freed);
  };
  const ask = async (url: URL, post: Post, signal: AbortSignal): Promise<Posted> => {
    let ready: Transport;
    try {
      ready = await transports.to(url);
    } catch (error) {
      // A proxy URL that cannot be used: a setting to correct, told like any other failure to connect.
      return { type: "failed", error: error as Error };
    }
    // A new connection costs more than the moment until the last one is free.
    await Promise.all(freeing);
    return sendFresh(ready, { ...post, path: `${url.pathname}${url.search}` }, signal);
  };
  return {
    keep,
    async post(post, signal) {
      signal.throwIfAborted();
      if (closed) return { type: "failed", error: new ProxyError("ERR_INVALID_STATE", "the model was closed") };
      const address = addressOf(provider, post.path);
      if (address instanceof Error) return { type: "failed", error: address };
      let url: URL = address;
      for (let hops = 0; ; hops += 1) {
        const posted: Posted = await ask(url, post, signal);
        const redirect: Redirect | undefined =
          posted.type === "response" ? redirectOf(posted.status, posted.headers.location, url) : undefined;
        if (posted.type !== "response" || redirect === undefined) return posted;
        if (redirect.type === "elsewhere" || hops === REDIRECT_LIMIT) {
          posted.bytes.destroy();
          return {
            type: "redirected",
            status: posted.status,
            to: redirect.type === "follow" ? undefined : redirect.to,
          };
        }
        keep(posted.bytes);
        url = redirect.url;
      }
    },
    close() {
      closed = true;
      transports.close();
    },
  };
}

/** Where a request goes: the base URL with the path, and the query of both settings. */
function addressOf(provider: Provider, path: string): URL | ProxyError {
  if (!/^https?:/i.test(provider.baseUrl) || !URL.canParse(provider.baseUrl)) {
    return new ProxyError("ERR_INVALID_URL", "base_url must start with http:// or https://");
  }
  const url = new URL(provider.baseUrl);
  const query = new URLSearchParams(url.search);
  for (const [name, value] of Object.entries(provider.queryParams)) query.set(name, value);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}${path}`;
  url.search = query.toString();
  url.hash = "";
  return url;
}

/** A kept connection that the server has closed costs a second try, unseen. Here `path` is what the origin is asked for. */
async function sendFresh(transport: Transport, post: Post, signal: AbortSignal): Promise<Posted> {
  const first = await send(transport, post, signal);
  if (first !== "stale") return first;
  // The others are as old: begin anew.
  for (const sockets of Object.values(transport.agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
  const second = await send(transport, post, signal);
  return second === "stale" ? { type: "failed", error: new Error("the connection was closed") } : second;
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
      const { headers } = response;
      const bytes = new UnpackedBytes(new ResponseBytes(sent, response), headers);
      resolve({ type: "response", status: response.statusCode ?? 0, headers, bytes });
    });
    sent.end(body);
  });
}
