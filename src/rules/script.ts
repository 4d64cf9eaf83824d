import type { Node } from "web-tree-sitter";
import { MAX_SCRIPT, parseTree } from "./grammar.js";
import { isCommandName, isHonest, plainWords, type ShellScript } from "./shell.js";

/** What stands between two commands; a line feed is a `;`. */
export type Join = "&&" | "||" | ";" | "|";

/** A script that is nothing but commands of plain words: `joins[n]` stands between `commands[n]` and the next. */
export interface PlainScript {
  readonly ok: true;
  readonly commands: readonly (readonly string[])[];
  readonly joins: readonly Join[];
}

/** A script that is more than that, or was not looked at; `why` is for people. */
export interface OpaqueScript {
  readonly ok: false;
  readonly why: string;
  /** Every command that stands anywhere in it, by what can be told of its words; undefined: the script has no such shape. */
  readonly mentioned: readonly MentionedCommand[] | undefined;
}

/** A command as far as it can be read: undefined stands for a word that only the shell will know. */
export type MentionedCommand = readonly (string | undefined)[];

/** The most commands of a script that is understood. */
export const MAX_COMMANDS = 50;

/**
 * Reads a script. Understood are words (bare or quoted) without anything that a shell would expand, joined by `&&`, `||`,
 * `;`, `|` and line feeds; whatever else there is makes the whole of it opaque.
 */
export async function parseScript(source: ShellScript): Promise<PlainScript | OpaqueScript> {
  const { script } = source;
  if (script.length > MAX_SCRIPT) return opaque(`it is longer than ${MAX_SCRIPT} characters`);
  const words = plainWords(script);
  if (words !== undefined) return { ok: true, commands: [words], joins: [] };
  if (!isHonest(script)) return opaque("it has control characters, or ones that look like others or like nothing");
  const tree = await parseTree(script);
  if (tree === undefined) return opaque("the parser gave it up: it is too involved");
  try {
    return readTree(tree.rootNode, source);
  } finally {
    tree.delete();
  }
}

function opaque(why: string, mentioned?: readonly MentionedCommand[]): OpaqueScript {
  return { ok: false, why, mentioned };
}

function readTree(root: Node, source: ShellScript): PlainScript | OpaqueScript {
  if (root.hasError) return opaque("it is not a complete shell script");
  const reader = new Reader(source);
  reader.list(root, 0);
  const { problem, commands, joins } = reader;
  if (problem === undefined && commands.length > 0) return { ok: true, commands, joins };
  return opaque(problem ?? "it has no command", mentionedIn(root));
}

/** The deepest nesting that is looked into. */
const MAX_DEPTH = 200;

/** Goes through a tree in the order of its text, and notes the first thing that is not plain. */
class Reader {
  readonly commands: string[][] = [];
  readonly joins: Join[] = [];
  problem: string | undefined;
  readonly #source: ShellScript;

  constructor(source: ShellScript) {
    this.#source = source;
  }

  list(node: Node, depth: number): void {
    let end = node.startIndex;
    for (const child of node.children) {
      if (this.problem !== undefined) return;
      if (depth > MAX_DEPTH) this.#refuse("it is nested too deeply");
      if (!this.#isBlank(end, child.startIndex, /^[ \t\n]*$/)) return;
      end = child.endIndex;
      if (child.type === "command") this.#command(child);
      else if (child.type === "list" || child.type === "pipeline") this.list(child, depth + 1);
      else this.#join(child);
    }
    this.#isBlank(end, node.endIndex, /^[ \t\n]*$/);
  }

  #join(node: Node): void {
    const { text } = node;
    if (node.isNamed) this.#refuse(`it has ${nameOf(node)}`);
    else if (/^[ \t\n]*;?[ \t\n]*$/.test(text)) this.#between(";");
    else if (text === "&&" || text === "||" || text === "|") this.#between(text);
    else this.#refuse(`it has ${quoted(text)}`);
  }

  /** A `;` that ends the script, or a line feed after one, joins nothing. */
  #between(join: Join): void {
    if (this.joins.length < this.commands.length) this.joins.push(join);
  }

  #command(node: Node): void {
    if (this.commands.length === MAX_COMMANDS) this.#refuse(`it has more than ${MAX_COMMANDS} commands`);
    // A line feed alone is no node of the tree.
    if (this.joins.length < this.commands.length) this.joins.push(";");
    const words: string[] = [];
    let end = node.startIndex;
    for (const child of node.children) {
      if (this.problem !== undefined) return;
      const blank = words.length === 0 ? /^$/ : /^[ \t]+$/;
      if (!this.#isBlank(end, child.startIndex, blank)) return;
      end = child.endIndex;
      const word = child.type === "command_name" ? this.#name(child) : this.#word(child);
      if (word !== undefined) words.push(word);
    }
    if (words.length > 0) this.commands.push(words);
  }

  #name(node: Node): string | undefined {
    const only = node.childCount === 1 ? node.child(0) : undefined;
    if (only?.type === "word" && isCommandName(only.text)) return only.text;
    return this.#refuse(`${quoted(node.text)} is no plain name of a command`);
  }

  #word(node: Node): string | undefined {
    switch (node.type) {
      case "word":
      case "number":
        return this.#bare(node.text);
      case "raw_string":
        return node.text.slice(1, -1);
      case "string":
        return this.#doubleQuoted(node);
      case "concatenation":
        return this.#concatenation(node);
      default:
        return this.#refuse(`it has ${nameOf(node)}`);
    }
  }

  #concatenation(node: Node): string | undefined {
    let text = "";
    let end = node.startIndex;
    for (const child of node.children) {
      if (child.type === "concatenation" || !this.#isBlank(end, child.startIndex, /^$/)) return undefined;
      const part = this.#word(child);
      if (part === undefined) return undefined;
      end = child.endIndex;
      text += part;
    }
    return text;
  }

  /** Bare words hold nothing a shell may expand: no escapes, globs, braces, leading tilde. */
  #bare(text: string): string | undefined {
    const special = this.#source.zsh
      ? /[^\x21-\x7e]|[\\$`"'*?[\]{}()<>|&;!#~^]|^=/
      : /[^\x21-\x7e]|[\\$`"'*?[\]{}()<>|&;]/;
    const tilde = /(?:^|[:=])~|^#/;
    if (!special.test(text) && !tilde.test(text)) return text;
    return this.#refuse(`${quoted(text)} may be expanded, or is not plain ASCII: put it in single quotes`);
  }

  #doubleQuoted(node: Node): string | undefined {
    const text = node.text;
    const plain = node.children.every((child) => child.type === "string_content" || child.type === '"');
    // `$"..."` has a translation looked up.
    if (plain && /^"[^"\\$`]*"$/.test(text)) return text.slice(1, -1);
    return this.#refuse(`${quoted(text)} may be expanded: put it in single quotes`);
  }

  /** Every part of the text belongs to something that was understood. */
  #isBlank(from: number, to: number, blank: RegExp): boolean {
    if (blank.test(this.#source.script.slice(from, to))) return true;
    this.#refuse("parts of it belong to no command");
    return false;
  }

  #refuse(why: string): undefined {
    this.problem ??= why;
    return undefined;
  }
}

/** Kinds of nodes whose own names would say little to people. */
const NAMES: Readonly<Record<string, string>> = {
  redirected_statement: "a redirection",
  herestring_redirect: "a redirection",
  file_redirect: "a redirection",
  variable_assignment: "an assignment",
  variable_assignments: "assignments",
  simple_expansion: "an expansion",
  expansion: "an expansion",
  arithmetic_expansion: "an expansion",
  negated_command: "a negation",
  declaration_command: "a declaration",
  ansi_c_string: "a string with escapes",
  test_command: "a test in brackets",
};

/** The longest text that a reason quotes, in characters. */
const MAX_QUOTED = 60;

function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

function nameOf({ type }: Node): string {
  return NAMES[type] ?? `a ${type.replaceAll("_", " ")}`;
}

/** Every command of a tree, also in substitutions, subshells and functions, with the words that stand there as they are. */
function mentionedIn(root: Node): MentionedCommand[] {
  return root
    .descendantsOfType("command")
    .map((command) => command.namedChildren.filter((child) => child.type !== "variable_assignment").map(staticText));
}

/** What a word comes to when it does not depend on the shell's state. */
function staticText(node: Node): string | undefined {
  if (node.type === "raw_string") return node.text.slice(1, -1);
  if (node.type === "string" && node.namedChildren.every((child) => child.type === "string_content")) {
    return node.text.slice(1, -1);
  }
  if (node.type === "command_name" || node.type === "concatenation") {
    const parts = node.namedChildren.map(staticText);
    return parts.some((part) => part === undefined) ? undefined : parts.join("");
  }
  if (node.type === "ansi_c_string") return /^\$'[^\\]*'$/.test(node.text) ? node.text.slice(2, -1) : undefined;
  const text = node.text.replace(/\\\n/g, "").replace(/\\(.)/g, "$1");
  return /[$`*?[\]{}]/.test(text) ? undefined : text;
}
