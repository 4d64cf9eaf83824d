/** Whether what follows is shown rather than done: in a fence, in quotes, in thoughts, within a line, or introduced. */
export function isQuoted(before: string): boolean {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  if (line.trim() === "" ? /\t| {4}/.test(line) : !/[\p{L}\p{N})\]}"'*_`][.!?…:。！：]$|<\/\w+>$/u.test(line))
    return true;
  return isIntroduced(before) || inFence(before) || inThoughts(before) || inComment(before);
}

/** Characters of the line before that are looked at. */
const LEAD_LIMIT = 300;
/** What a model says of what it shows: an example, a rule, what a file holds or somebody else wrote. */
const SHOWN =
  /\b(?:examples?|e\.g\.|for instance|formats?|syntax|looks? like|template|sample|snippet|something like|like (?:this|so)|follow(?:s|ing)|contain(?:s|ed|ing)?|contents?|says?|said|reads|(?:begin|start|end)s? with|return(?:s|ed)|print(?:s|ed)|wrote|written|writes?|quot(?:e|es|ed|ing)|shows?|shown|showed|repl(?:y|ied|ies)|answer(?:s|ed)?|never|don['’]t|do not|(?:must|should) not|avoid|instead|would|could|found|saw|output (?:is|was)|(?:is|are|was|were|be)(?=:$))(?![\w])|如下|例如|示例|内容/i;
/** What a model says of what it does now. */
const ANNOUNCED =
  /\b(?:let me|let['’]s|i['’]ll|i will|i['’]m going to|i am going to|i need to|i have to|i can|now i|we['’]ll|we will)\b|^\W*\w+ing\b/i;
/** What is announced is to be shown. */
const DISPLAY =
  /\b(?:show|quote|repeat|cite|paste|give you|print|reply|answer|explain|example|sample|format|syntax)(?!\w)/i;

/** Whether the sentence, heading or tag right before says that what follows is shown. */
function isIntroduced(before: string): boolean {
  const said = before.trimEnd();
  const line = said.slice(said.lastIndexOf("\n") + 1).slice(-LEAD_LIMIT);
  if (/^\s{0,3}#{1,6}\s/.test(line) || /^\s*<[A-Za-z][\w:-]*(?:\s[^<>]*)?>$/.test(line)) return true;
  const sentence = line.split(/[.!?。！？]\s+/).at(-1) ?? "";
  // A sentence that is over introduces nothing, unless it forbids.
  if (/[.!。！]$/.test(line)) return /^\W*(?:never|don['’]t|do not|(?:for )?example)\b/i.test(sentence);
  if (ANNOUNCED.test(sentence)) return DISPLAY.test(sentence);
  return SHOWN.test(sentence);
}

function inComment(before: string): boolean {
  return before.lastIndexOf("<!--") > before.lastIndexOf("-->");
}

function inFence(before: string): boolean {
  let open: string | undefined;
  for (const line of before.split("\n")) {
    const mark = /^\s{0,3}(?:>\s*)*(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark === undefined) continue;
    if (open === undefined) open = mark;
    else if (mark[0] === open[0] && mark.length >= open.length) open = undefined;
  }
  return open !== undefined;
}

function inThoughts(before: string): boolean {
  return ["think", "thinking", "thought", "reasoning"].some(
    (tag) => before.lastIndexOf(`<${tag}>`) > before.lastIndexOf(`</${tag}>`),
  );
}
