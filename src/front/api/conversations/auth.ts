import type { ApiDeps } from "../deps.js";
import { configFor } from "./config.js";
import { invalidRequest, type Mount } from "./mount.js";
import type { Params, Result } from "./schema.js";

const NOT_YET = "is not available yet: set the key of your provider in the environment (OPENAI_API_KEY)";

/** Who pays: what there is of it before anyone can sign in here. */
export function mountAuth(mount: Mount, deps: ApiDeps): void {
  for (const method of ["loginChatGpt", "logoutChatGpt", "loginApiKey"] as const) {
    mount(method, () => {
      throw invalidRequest(`${method} ${NOT_YET}`);
    });
  }
  mount("cancelLoginChatGpt", ({ loginId }) => {
    throw invalidRequest(`login id not found: ${loginId}`);
  });
  mount("getAuthStatus", (params) => authStatus(params ?? {}, deps));
  mount("getUserAgent", () => ({ userAgent: `belay/${deps.version}` }));
}

/** The key of OpenAI's that turns would use; the keys of other providers are not told. */
async function authStatus(
  { includeToken }: NonNullable<Params<"getAuthStatus">>,
  deps: ApiDeps,
): Promise<Result<"getAuthStatus">> {
  const { openaiAuth, provider } = await configFor({}, deps);
  const key = openaiAuth ? provider.apiKey : undefined;
  return {
    authMethod: key === undefined ? null : "apikey",
    authToken: includeToken === true ? (key ?? null) : null,
    requiresOpenaiAuth: openaiAuth,
  };
}
