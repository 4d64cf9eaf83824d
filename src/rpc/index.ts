export { PeerClosed, RPC_CODES, RpcError } from "./errors.js";
export type { RpcId } from "./message.js";
export { Peer } from "./peer.js";
export type {
  NotificationHandler,
  ParamsDecoder,
  PeerInit,
  PeerLimits,
  RequestContext,
  RequestHandler,
  RequestOptions,
} from "./types.js";
