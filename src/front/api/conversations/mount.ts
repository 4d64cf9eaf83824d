import { decoder } from "../../../protocol/index.js";
import { type ParamsDecoder, type Peer, type RequestContext, RPC_CODES, RpcError } from "../../../rpc/index.js";
import { METHODS, type MethodName, type Params, type Result } from "./schema.js";

/** Puts a method of the dialect on a peer. */
export type Mount = <M extends MethodName>(
  method: M,
  run: (params: Params<M>, context: RequestContext) => Result<M> | Promise<Result<M>>,
) => void;

/** A mount whose params are checked by the method's schema. */
export function mountOn(peer: Peer): Mount {
  return (method, run) => {
    type P = Params<typeof method>;
    const decode = decoder(METHODS[method].params) as ParamsDecoder<P>;
    peer.handle<P>(method, { decode, run });
  };
}

/** A mistake of the client's, as Codex answers it. */
export function invalidRequest(message: string): RpcError {
  return new RpcError(RPC_CODES.invalidRequest, message);
}
