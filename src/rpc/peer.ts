import { Cancelled, type CancelReason, LineSplitter, messageOf, Scope } from "../base/index.js";
import { PeerClosed, RPC_CODES, RpcError } from "./errors.js";
import { type Message, type RpcId, readMessage } from "./message.js";
import type { NotificationHandler, PeerInit, PeerLimits, RequestHandler, RequestOptions } from "./types.js";

interface InFlight {
  readonly id: RpcId;
  readonly controller: AbortController;
  isSilent: boolean;
}

type Request = Extract<Message, { type: "request" }>;

interface Checked {
  readonly handler: RequestHandler<unknown>;
  readonly params: unknown;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const LIMITS: PeerLimits = { lineBytes: 64 * 1024 * 1024, inFlight: 4096, owedAnswers: 1024 * 1024, closeMs: 30_000 };

/** The longest method or id that a message quotes, in characters. */
const QUOTED = 100;

/**
 * One side of a JSON-RPC stream. Handlers are called in the order requests are read; answers, requests and notifications
 * leave through one queue in the order they are made. Each request has one answer. Nothing is dropped for a slow reader:
 * producers are asked to wait, and with too many answers unread nothing more is read.
 */
export class Peer {
  readonly #output: PeerInit["output"];
  readonly #head: string;
  readonly #limits: PeerLimits;
  readonly #onFault: NonNullable<PeerInit["onFault"]>;
  readonly #splitter: LineSplitter;
  readonly #scope = Scope.root("peer");
  readonly #requests = new Map<string, RequestHandler<unknown>>();
  readonly #notifications = new Map<string, NotificationHandler<unknown>>();
  readonly #inFlight = new Map<string, InFlight>();
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #stall: Promise<void> | undefined;
  #owed = 0;
  #hasEnded = false;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor({ output, dialect = "2.0", limits = {}, onFault = () => {} }: PeerInit) {
    this.#output = output;
    this.#head = dialect === "2.0" ? '"jsonrpc":"2.0",' : "";
    this.#limits = { ...LIMITS, ...limits };
    this.#onFault = onFault;
    this.#splitter = new LineSplitter(this.#limits.lineBytes);
  }

  /** More waits for the reader than the output likes: what can be left out should be. */
  get isStalled(): boolean {
    return this.#stall !== undefined;
  }

  handle<P>(method: string, handler: RequestHandler<P>): void {
    this.#requests.set(method, handler as RequestHandler<unknown>);
  }

  onNotification<P>(method: string, handler: NotificationHandler<P>): void {
    this.#notifications.set(method, handler as NotificationHandler<unknown>);
  }

  /** Rejects with an RpcError for an answer that is one, with PeerClosed, or with the signal's reason. */
  async request(method: string, params: unknown, { signal, onWithdrawn }: RequestOptions): Promise<unknown> {
    signal.throwIfAborted();
    if (this.#hasEnded || this.#isClosed) throw new PeerClosed();
    const id = this.#nextId;
    this.#nextId += 1;
    let withdraw = () => {};
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      withdraw = () => {
        onWithdrawn?.(id);
        reject(signal.reason);
      };
      signal.addEventListener("abort", withdraw, { once: true });
    });
    void this.#write(`{"id":${id},${this.#head}"method":${JSON.stringify(method)},"params":${textOf(params)}}`);
    try {
      return await answer;
    } finally {
      this.#waiting.delete(id);
      signal.removeEventListener("abort", withdraw);
    }
  }

  /** A promise asks who can wait to do so. */
  notify(method: string, params: unknown): Promise<void> | undefined {
    return this.notifyText(method, textOf(params));
  }

  /** The same with params that are JSON already. */
  notifyText(method: string, params: string): Promise<void> | undefined {
    return this.#write(`{${this.#head}"method":${JSON.stringify(method)},"params":${params}}`);
  }

  /** Aborts a request of the other side that is still worked on; it gets no answer. False when there is none. */
  cancel(id: RpcId, reason: CancelReason = { kind: "cancelled" }): boolean {
    const found = [...this.#inFlight.values()].find((one) => one.id === id && !one.isSilent);
    if (found === undefined) return false;
    found.isSilent = true;
    found.controller.abort(new Cancelled(reason));
    return true;
  }

  /** Bytes of the stream. A promise: read no more until it settles. */
  receive(chunk: Uint8Array): void | Promise<void> {
    if (this.#hasEnded) return undefined;
    for (const line of this.#splitter.push(chunk)) this.#take(readMessage(line, this.#limits.lineBytes));
    return this.#owed > this.#limits.owedAnswers ? this.#stall : undefined;
  }

  /** Nothing more will come: a last line without its end is read, and requests of ours reject. */
  end(): void {
    if (this.#hasEnded) return;
    for (const line of this.#splitter.end()) this.#take(readMessage(line, this.#limits.lineBytes));
    this.#hasEnded = true;
    for (const waiting of this.#waiting.values()) waiting.reject(new PeerClosed());
  }

  /**
   * Reads no more, aborts what is worked on and waits until it is answered; what has not settled in time is answered with
   * an error. After that nothing is written.
   */
  close(reason: CancelReason = { kind: "closed" }): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #close(reason: CancelReason): Promise<void> {
    this.end();
    for (const { controller } of this.#inFlight.values()) controller.abort(new Cancelled(reason));
    await this.#scope.end({ reason, within: this.#limits.closeMs });
    for (const [idText, { isSilent }] of this.#inFlight) {
      if (!isSilent) this.#answerError(idText, new RpcError(RPC_CODES.server, "closed before there was an answer"));
    }
    this.#isClosed = true;
  }

  #take(message: Message): void {
    if (message.type === "request") this.#takeRequest(message);
    else if (message.type === "notification") this.#takeNotification(message);
    else if (message.type === "reply") this.#takeReply(message);
    else {
      // Whoever sent this under the id of a request of ours will send nothing better.
      this.#waiting.get(message.id as number)?.reject(message.error);
      this.#answerError(message.idText, message.error);
    }
  }

  #takeRequest(request: Request): void {
    const checked = this.#check(request);
    if (checked instanceof RpcError) this.#answerError(request.idText, checked);
    else this.#run(request, checked);
  }

  /** The handler of a request and its params, or what is wrong with it. */
  #check({ idText, method, params }: Request): Checked | RpcError {
    const handler = this.#requests.get(method);
    if (handler === undefined) {
      return new RpcError(RPC_CODES.unknownMethod, `unknown method: ${method.slice(0, QUOTED)}`);
    }
    if (this.#inFlight.has(idText)) {
      const message = `a request with the id ${idText.slice(0, QUOTED)} is still being worked on`;
      return new RpcError(RPC_CODES.invalidRequest, message);
    }
    if (this.#inFlight.size >= this.#limits.inFlight) {
      const message = `${this.#inFlight.size} requests are being worked on: wait for some of them`;
      return new RpcError(RPC_CODES.server, message);
    }
    const decoded = handler.decode(params);
    if (!decoded.ok) return new RpcError(RPC_CODES.invalidParams, `invalid params: ${decoded.message}`);
    return { handler, params: decoded.value };
  }

  #run({ id, idText, method }: Request, { handler, params }: Checked): void {
    const controller = new AbortController();
    let result: unknown;
    try {
      result = handler.run(params, { id, idText, signal: controller.signal });
    } catch (error) {
      // One of the places where any error may arrive: the request is answered with it.
      this.#answerError(idText, this.#errorOf(error, method));
      return;
    }
    if (result instanceof Promise) {
      const call = { id, controller, isSilent: false };
      this.#inFlight.set(idText, call);
      void this.#scope.spawn(`${method} ${idText}`, () => this.#settle(result, { call, idText, method }));
    } else {
      this.#answer(idText, result);
    }
  }

  /** Answers when the handler has settled. Never rejects. */
  async #settle(
    result: Promise<unknown>,
    { call, idText, method }: { readonly call: InFlight; readonly idText: string; readonly method: string },
  ): Promise<void> {
    try {
      const value = await result;
      if (!call.isSilent) this.#answer(idText, value);
    } catch (error) {
      // As above; a cancelled handler owes nothing but its end.
      if (!call.isSilent) this.#answerError(idText, this.#errorOf(error, method));
    }
    this.#inFlight.delete(idText);
  }

  #errorOf(error: unknown, method: string): RpcError {
    if (error instanceof RpcError) return error;
    if (error instanceof Cancelled) return new RpcError(RPC_CODES.server, error.message);
    this.#onFault(error, method);
    return new RpcError(RPC_CODES.internal, `internal error: ${messageOf(error)}`);
  }

  #takeNotification({ method, params }: Extract<Message, { type: "notification" }>): void {
    const handler = this.#notifications.get(method);
    const decoded = handler?.decode(params);
    if (handler === undefined || decoded?.ok !== true) return;
    try {
      handler.run(decoded.value);
    } catch (error) {
      // Nobody waits for an answer.
      this.#onFault(error, method);
    }
  }

  #takeReply({ id, result, error }: Extract<Message, { type: "reply" }>): void {
    const waiting = this.#waiting.get(id as number);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(error);
  }

  #answer(idText: string, result: unknown): void {
    this.#owe(`{"id":${idText},${this.#head}"result":${textOf(result)}}`);
  }

  #answerError(idText: string, { code, message, data }: RpcError): void {
    const error = textOf(data === undefined ? { code, message } : { code, message, data });
    this.#owe(`{"error":${error},"id":${idText}${this.#head === "" ? "" : ',"jsonrpc":"2.0"'}}`);
  }

  #owe(text: string): void {
    const wait = this.#write(text);
    this.#owed = wait === undefined ? 0 : this.#owed + text.length;
  }

  #write(text: string): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    const wait = this.#output.write(`${text}\n`) ?? undefined;
    if (wait !== undefined && wait !== this.#stall) {
      this.#stall = wait;
      void wait.then(() => this.#caughtUp(wait));
    }
    return wait;
  }

  #caughtUp(stall: Promise<void>): void {
    if (this.#stall !== stall) return;
    this.#stall = undefined;
    this.#owed = 0;
  }
}

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
