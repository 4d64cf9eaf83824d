import type { Compat } from "../protocol/index.js";

/**
 * What is known of servers by their host, `*.` for any below it. Only what a server is known to refuse, or to want: the rest is
 * found out as for any other. A model's own needs are in the model table.
 */
const HOSTS: readonly (readonly [host: string, compat: Compat])[] = [
  ["api.openai.com", { roles: "free" }],
  // Roles in turn, calls with ids of nine letters and digits; messages with a field it does not know are refused.
  ["*.mistral.ai", { roles: "strict", callIds: "short", thoughts: "dropped" }],
  // Thinking models: calls that come back without the thoughts before them are refused.
  ["api.deepseek.com", { thoughts: "sent" }],
  ["api.moonshot.ai", { thoughts: "sent" }],
  ["api.moonshot.cn", { thoughts: "sent" }],
  ["api.kimi.com", { thoughts: "sent" }],
  // Thoughts that come back are taken up again.
  ["api.z.ai", { thoughts: "sent" }],
  ["open.bigmodel.cn", { thoughts: "sent" }],
  // A message with `reasoning_content` is refused.
  ["api.groq.com", { thoughts: "dropped" }],
  ["api.cerebras.ai", { thoughts: "dropped" }],
];

/** What is known of the server at a URL; nothing of most. */
export function knownCompat(url: URL): Compat {
  const host = url.hostname.replace(/\.$/, "");
  const fits = (pattern: string) => (pattern.startsWith("*") ? host.endsWith(pattern.slice(1)) : host === pattern);
  return HOSTS.find(([pattern]) => fits(pattern))?.[1] ?? {};
}
