/** What stands in a code fence. */
export interface Fenced {
  /** In lower case; empty where none is named. */
  readonly language: string;
  readonly content: string;
  /** The content has lines of its own. */
  readonly block: boolean;
}

const MARK = "```";

/** What a text fences that is one code fence and has nothing around it; undefined for all other text. */
export function fenced(text: string): Fenced | undefined {
  const trimmed = text.trim();
  if (trimmed.length < 2 * MARK.length || !trimmed.startsWith(MARK) || !trimmed.endsWith(MARK)) return undefined;
  const inner = trimmed.slice(MARK.length, -MARK.length);
  const language = /^[\w+-]*/.exec(inner)?.[0] ?? "";
  const content = inner.slice(language.length);
  return { language: language.toLowerCase(), content, block: /^[ \t]*\r?\n/.test(content) };
}

const SCRIPT_LANGUAGES = new Set(["bash", "sh", "shell"]);

/** The script of a text that is one fence of a shell's language; `bare`: or of none. One that holds fences is no script. */
export function fencedScript(text: string, { bare }: { readonly bare: boolean }): string | undefined {
  const found = fenced(text);
  if (found === undefined || !found.block || found.content.includes(MARK)) return undefined;
  if (!SCRIPT_LANGUAGES.has(found.language) && !(bare && found.language === "")) return undefined;
  const script = found.content.trim();
  return script === "" ? undefined : script;
}
