/** The text of one `[[rule]]` with its header, or of what stands before the first; `line` is that of its beginning. */
export interface RuleBlock {
  readonly text: string;
  readonly line: number;
  /** It has the header. */
  readonly isRule: boolean;
}

const HEADER = /^[ \t]*\[\[[ \t]*(?:rule|"rule"|'rule')[ \t]*\]\]/;

/** The header of any table. */
const OTHER_HEADER = /^[ \t]*\[+[ \t]*["'A-Za-z]/;

/** A rules file in pieces that begin with a header; what stands before the first is one too, when it is not empty. */
export function ruleBlocks(text: string): RuleBlock[] {
  const blocks: { text: string; line: number; isRule: boolean }[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    const last = blocks.at(-1);
    if (HEADER.test(line)) blocks.push({ text: line, line: at + 1, isRule: true });
    else if (OTHER_HEADER.test(line)) blocks.push({ text: line, line: at + 1, isRule: false });
    else if (last !== undefined) last.text += `\n${line}`;
    else if (!/^[ \t\r]*(?:#.*)?$/.test(line)) blocks.push({ text: line, line: at + 1, isRule: false });
  }
  return blocks;
}

/** Whether the text of a rule that does not parse says that it allows, and nothing else. */
export function isSurelyAllow(text: string): boolean {
  const said = [...text.matchAll(/^[ \t]*["']?decision["']?[ \t]*=(.*)$/gm)].map(([, value = ""]) =>
    value.replace(/#.*/, "").trim(),
  );
  return said.length > 0 && said.every((value) => value === '"allow"' || value === "'allow'");
}
