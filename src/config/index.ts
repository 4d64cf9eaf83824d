export { commandEnvironment, type EnvironmentPolicy } from "./command-env.js";
export { findGitRoot } from "./git-root.js";
export { findHome } from "./home.js";
export { DEFAULT_MODEL, loadConfig } from "./load.js";
export { type DocsInput, type ProjectDocs, readProjectDocs } from "./project-docs.js";
export type { Config, Env, Flags, Loaded, LoadInput } from "./types.js";
