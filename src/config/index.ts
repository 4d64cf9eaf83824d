export { commandEnvironment, type EnvironmentPolicy } from "./command-env.js";
export { findGitRoot } from "./git-root.js";
export { expandPath, findHome } from "./home.js";
export { DEFAULT_MODEL, loadConfig } from "./load.js";
export { overrideOf } from "./override.js";
export { type DocsInput, type ProjectDocs, readProjectDocs } from "./project-docs.js";
export { PROJECT_FILES, type ProjectFile, type ProjectPlace } from "./project-files.js";
export {
  type Effect,
  effectOf,
  goneFrom,
  type JudgedFolder,
  type JudgedProject,
  judgeProject,
  type TrustState,
} from "./project-trust.js";
export { readRegularFile } from "./regular-file.js";
export { changeTrust, readTrust, recordOf, type TrustRead, type TrustRecord, trustPath } from "./trust-store.js";
export type { Config, Env, Flags, Loaded, LoadInput } from "./types.js";
