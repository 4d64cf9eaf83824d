import type { Provider } from "../protocol/index.js";

/** Scheme, host and port of the base URL: no user, no path, no query. */
export function originOf(provider: Provider): string {
  return hostOf(provider.baseUrl);
}

/** The same of any URL. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : "an address that is no URL";
}
