export { leadingFolder, type Part, type Reading, readCommand, type WantedCommand } from "./command.js";
export { type Proposal, proposeRule } from "./proposal.js";
export { placeOf, type Rule, type RuleProblem, type RuleSet, type RuleSource } from "./rule.js";
export { readRules } from "./rules-file.js";
export { safetyOf } from "./safe.js";
export { isShell, plainWords, shellScript } from "./shell.js";
export { type Saved, saveRule } from "./store.js";
export { judge, type PartVerdict, shown, type Verdict } from "./verdict.js";
