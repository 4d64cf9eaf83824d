import type { Provider } from "../protocol/index.js";
import { type Failure, failure } from "./failure.js";
import { originOf } from "./provider-address.js";
import { REDIRECT_LIMIT } from "./redirect.js";

/** Not a byte came for as long as the settings allow. */
export function idleFailure(provider: Provider): Failure {
  const setting = `stream_idle_timeout_ms of provider \`${provider.id}\``;
  const message = `${originOf(provider)} was silent for ${provider.streamIdleTimeoutMs / 1000} s (${setting})`;
  return failure("idle", message, { retry: true });
}

/** Signs of life came and nothing else. Final: the server works, and would be as long about it again. */
export function quietFailure(provider: Provider): Failure {
  const seconds = provider.streamContentTimeoutMs / 1000;
  const setting = `stream_content_timeout_ms of provider \`${provider.id}\``;
  const message = `${originOf(provider)} kept the connection alive but sent nothing of an answer for ${seconds} s (${setting})`;
  return failure("idle", message);
}

/** The bytes ended, or made no sense, before the answer was whole. */
export function brokenStream(provider: Provider, what: string): Failure {
  const message = `the stream from ${originOf(provider)} ended before the response was complete: ${what}`;
  return failure("stream", message, { retry: true });
}

/** A redirect that is not followed. `to` is undefined where there were too many. */
export function redirectFailure(provider: Provider, status: number, to: string | undefined): Failure {
  const setting = `base_url of provider \`${provider.id}\``;
  const message =
    to === undefined
      ? `${originOf(provider)} redirected the request more than ${REDIRECT_LIMIT} times: check ${setting}`
      : `${originOf(provider)} answered ${status} and points to ${to}, which is not asked instead: ` +
        `if that is the right place, set ${setting} to it`;
  return failure("bad_request", message, { status });
}

/** An answer in an encoding that was not asked for and can't be read. */
export function encodingFailure(provider: Provider, status: number, encoding: string): Failure {
  const message = `${originOf(provider)} answered ${status} in the encoding \`${encoding}\`, which was not asked for and is not known here`;
  return failure("bad_request", message, { status });
}
