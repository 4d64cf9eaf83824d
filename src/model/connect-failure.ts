import type { Provider } from "../protocol/index.js";
import { type Failure, failure } from "./failure.js";
import { hostOf, originOf } from "./provider-address.js";
import { redact } from "./redaction.js";

const REACH: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused): is the server running? See"],
  ["ENOTFOUND", "no such host name): check the network and"],
  ["EAI_AGAIN", "the host name could not be looked up): check the network and"],
  ["ETIMEDOUT", "connecting timed out): check the network and"],
  ["EHOSTUNREACH", "host unreachable): check the network and"],
  ["ENETUNREACH", "network unreachable): check the network and"],
]);

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/;

/** No answer came: nobody there, no trust, or the connection broke before the answer. */
export function failureToConnect(provider: Provider, error: Error): Failure {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const where = originOf(provider);
  const setting = `base_url of provider \`${provider.id}\``;
  const via = provider.proxyUrl === undefined ? "" : ` through the proxy ${hostOf(provider.proxyUrl)}`;
  const reach = REACH.get(code);
  if (reach !== undefined) {
    return failure("connect", `can't reach ${where}${via} (${reach} ${setting}`, { retry: true });
  }
  if (CERTIFICATE.test(code)) {
    const hint = "for a company's own CA set NODE_EXTRA_CA_CERTS to its file";
    return failure("connect", `the TLS certificate of ${where} is not trusted (${code}): ${hint}`);
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    return failure("connect", `${where}${via} does not speak TLS: check http or https in ${setting}`);
  }
  if (code.startsWith("ERR_INVALID") || code.startsWith("ERR_PROXY")) {
    return failure("connect", `can't ask ${where}${via}: ${redact(provider, error.message)}`);
  }
  const what = code === "ECONNRESET" || code === "EPIPE" ? "the connection was closed before an answer" : error.message;
  return failure("connect", `no answer from ${where}${via}: ${redact(provider, what)}`, { retry: true });
}
