import type { RpcId } from "./message.js";

/** Checks the params of one method; a failure names the field that is wrong. Decoders of the protocol room are such. */
export type ParamsDecoder<P> = (
  params: unknown,
) => { readonly ok: true; readonly value: P } | { readonly ok: false; readonly message: string };

/** What a handler knows of the request it works for. */
export interface RequestContext {
  readonly id: RpcId;
  /** The id as JSON, exactly as it came: for texts that carry it on. */
  readonly idText: string;
  /** Aborted by `cancel` and when the peer closes; its reason is a `Cancelled`. A handler then settles soon. */
  readonly signal: AbortSignal;
}

export interface RequestHandler<P> {
  readonly decode: ParamsDecoder<P>;
  /** Called in the order requests are read, before the next one is. What it returns is the result; an RpcError thrown the error. */
  readonly run: (params: P, context: RequestContext) => unknown;
}

export interface NotificationHandler<P> {
  readonly decode: ParamsDecoder<P>;
  readonly run: (params: P) => void;
}

export interface PeerLimits {
  /** Bytes of one line; longer ones are dropped and answered. */
  readonly lineBytes: number;
  /** Requests of the other side that are worked on at once; more are refused. */
  readonly inFlight: number;
  /** Characters of answers that may wait for a slow reader before nothing more is read. */
  readonly owedAnswers: number;
  /** How long handlers may take to settle once the peer closes, ms. */
  readonly closeMs: number;
}

export interface PeerInit {
  /** Takes whole lines, in order. A promise says that more than its bound waits for the reader. */
  readonly output: { write(text: string): void | Promise<void> };
  /** `2.0`: what is sent carries `jsonrpc`; `bare`: it does not. Either is read. */
  readonly dialect?: "2.0" | "bare";
  readonly limits?: Partial<PeerLimits>;
  /** Told of what is a bug: a handler that threw something else than an RpcError. It is answered as -32603 all the same. */
  readonly onFault?: (error: unknown, method: string) => void;
}

export interface RequestOptions {
  /** Withdraws the request: it rejects with the signal's reason, and an answer that comes later is ignored. */
  readonly signal: AbortSignal;
  /** Called with the id when the request is withdrawn, to tell the other side. */
  readonly onWithdrawn?: (id: number) => void;
}
