import { plainName } from "../../protocol/index.js";

/** What stands before a tool's name when a model writes its own name for the place where tools are. */
const PREFIXES = /^(?:functions?(?:\.|::|:)|tools?[.:]|default_api[.:]|belay[.:]|mcp__belay__)/i;

/** Prefixes inside one another. */
const MAX_PREFIXES = 3;

/** Names that other agents have for a tool that takes the same; as `plainName` has them. */
const ALIASES: Readonly<Record<string, string>> = {
  ...{ "container.exec": "shell", localshell: "shell", localshellcall: "shell" },
  ...{ bash: "exec_command", sh: "exec_command", exec: "exec_command", terminal: "exec_command" },
  ...{ runcommand: "exec_command", executecommand: "exec_command", runshellcommand: "exec_command" },
  ...{ runterminalcmd: "exec_command", runterminalcommand: "exec_command", shellcommand: "exec_command" },
  ...{ runinterminal: "exec_command", executebash: "exec_command", bashtool: "exec_command" },
  ...{ todowrite: "update_plan", writetodos: "update_plan" },
};

/** The longest name that is looked at, in characters. */
const MAX_NAME = 200;

/**
 * The tool of `known` that a model means by a name: exactly that, or the same with what models and templates put around
 * names, in another case, or by another agent's name for it. Undefined when it could be two, or is none.
 */
export function toolNameOf(name: string, known: ReadonlySet<string>): string | undefined {
  if (known.has(name)) return name;
  if (name.length > MAX_NAME) return undefined;
  let rest = bareName(name);
  for (let n = 0; n <= MAX_PREFIXES; n += 1) {
    const found = candidates(rest, known);
    if (found.length > 0) return found.length === 1 ? found[0] : undefined;
    const shorter = rest.replace(PREFIXES, "");
    if (shorter === rest) return undefined;
    rest = shorter;
  }
  return undefined;
}

/** Without quotes, marks of a channel or a number that got into the name. */
function bareName(name: string): string {
  const addressed = /\bto=([\w.:-]+)/.exec(name)?.[1] ?? name;
  const [before = ""] = addressed.split("<|");
  const unquoted = before.trim().replace(/^(["'`])(.*)\1$/s, "$2");
  return unquoted
    .trim()
    .replace(/:\d{1,6}$/, "")
    .replace(/\(\s*\)$/, "")
    .trim();
}

/** Those that a name differs from in nothing, in case and separators, or as another agent's name does. */
function candidates(name: string, known: ReadonlySet<string>): string[] {
  if (known.has(name)) return [name];
  const plain = plainName(name);
  const near = [...known].filter((one) => plainName(one) === plain);
  const alias = Object.hasOwn(ALIASES, plain) ? ALIASES[plain] : undefined;
  return near.length > 0 || alias === undefined || !known.has(alias) ? near : [alias];
}

/** What a model is told that calls a tool there is not. */
export function unknownToolText(name: string, known: ReadonlySet<string>): string {
  const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  const there = `the tools are ${[...known].join(", ")}.`;
  if (/parallel/i.test(name)) {
    return `unsupported call: ${shown}. Call each tool by itself: a response may hold several calls, and those that only read run beside each other; ${there}`;
  }
  return `unsupported call: ${shown}. There is no such tool; ${there}${insteadOf(plainName(name), known)}`;
}

/** How what other agents have tools for is done here. */
function insteadOf(plain: string, known: ReadonlySet<string>): string {
  if (known.has("apply_patch") && /edit|write|create|replace|diff|patch|delete/.test(plain)) {
    return " Files are made, changed and deleted with apply_patch.";
  }
  if (known.has("exec_command") && /read|view|list|ls|cat|grep|glob|search|find|python/.test(plain)) {
    return " Files are read, listed and searched with exec_command.";
  }
  return "";
}
