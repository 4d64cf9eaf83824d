/** How servers say that the input is too long for the model: names, words, and what only sounds like it. */

/** Names of the error, in lower case; each is enough by itself. */
const CODES: ReadonlySet<string> = new Set([
  "context_length_exceeded",
  "context_window_exceeded",
  "contextwindowexceedederror",
  "exceed_context_size_error",
  "input_length_error",
  "input_too_long",
  "input_too_large",
  "max_context_length_exceeded",
  "model_context_window_exceeded",
  "model_max_prompt_tokens_exceeded",
  "prompt_too_long",
  "prompt_is_too_long",
  "string_above_context_length",
  "tokens_limit_reached",
  // Z.ai.
  "1261",
]);

const SIZE = "(?:length|window|size|limit|capacity)";
const MORE =
  "(?:exceed\\w*|over(?:flow\\w*)?|surpass\\w*|longer than|larger than|greater than|bigger than|more than|beyond|too long for|too large for|not fit)";
const INPUT = "(?:prompt|inputs?|messages?|conversation|context|history|request)";

/** One is enough. Wide on purpose: a text taken for it wrongly costs one compaction, one missed ends the session. */
const TEXTS: readonly RegExp[] = [
  // exceeds the context window; longer than the model's context length; exceed context limit.
  new RegExp(`\\b${MORE}\\b[^\\n]{0,80}\\bcontext[ _-]?(?:${SIZE}|token)`, "i"),
  // context window exceeds limit; context length is only 8192 tokens; context size has been exceeded.
  new RegExp(
    `\\bcontext[ _-]?${SIZE}\\b[^\\n]{0,60}\\b(?:exceed\\w*|overflow\\w*|reached|too (?:small|short)|is only)`,
    "i",
  ),
  /\bcontext limit is [\d,]+/i,
  /\binputs?`? must have less than [\d,]+ tokens\b/i,
  /\bmax(?:imum)? (?:context|prompt|model|sequence|input)[ _-](?:length|window|size)\b[^\n]{0,30}\d/i,
  /\bcontext overflows?\b|\bcontext the overflows\b|\bn_ctx\b|\bmax_(?:model_len|seq_len|num_tokens)\b/i,
  // Prompt is too long; input is too long for requested model; request too long.
  new RegExp(`\\b${INPUT}(?: \\w+){0,2} (?:is |are |was |were |has become )?too long\\b`, "i"),
  new RegExp(
    `\\b${INPUT}\\b[^\\n.]{0,50}\\btokens?\\b[^\\n]{0,60}\\b(?:${MORE}|the limit|is too large|must be <=|must have less)`,
    "i",
  ),
  // The input token count (1196265) exceeds the maximum number of tokens allowed; input length exceeds.
  new RegExp(
    `\\b(?:input|prompt)s?\`? (?:tokens?|length|size|token count)\\b[^\\n]{0,80}\\b(?:${MORE}|should be|must be|only supports)`,
    "i",
  ),
  /\b(?:prompt|input) (?:has|contains|with) [\d,]+ tokens?\b[^\n]{0,80}\b(?:too (?:large|long)|configured|but|larger)/i,
  /\b(?:tokens?|text) in (?:the )?(?:request|prompt|input)\b[^\n]{0,40}\b(?:more than|exceed)/i,
  /\b(?:prompt|inputs?|conversation|context|history|messages) (?:is|are|was|were) too (?:large|big)\b/i,
  /\bexceeds?\b[^\n]{0,30}\bmax(?:imum)? (?:input|prompt|sequence) (?:size|length|tokens)\b/i,
  /\bexceed\w*\b[^\n]{0,30}\b(?:input|prompt)[ _]tokens\b|\b(?:input|prompt)_tokens?\b[^\n]{0,20}(?:>|exceed)/i,
  // Exceeds the maximum allowed input length; bigger than the model can take; is not enough for a prompt.
  /\bexceeds?\b[^\n]{0,20}\b(?:allowed|permitted) (?:input|prompt|context) (?:size|length|tokens)\b/i,
  new RegExp(`\\b${INPUT}\\b[^\\n.]{0,20}\\b(?:bigger|larger|longer) than the model\\b`, "i"),
  new RegExp(`\\bcontext[ _-]?${SIZE}\\b[^\\n]{0,30}\\bnot (?:enough|sufficient)\\b`, "i"),
  /\b(?:prompt|input)\b[^\n]{0,10}\btoo (?:large|big)\b[^\n]{0,20}\btokens?\b/i,
  /\blength of (?:your |the )?(?:input|prompt|messages|conversation)\b[^\n]{0,40}\bexceed/i,
  /\bcontext window (?:is|of) [\d,]+ tokens?\b[^\n]{0,40}\b(?:your|but|requested|got)\b/i,
  /\bmax(?:imum)? (?:number of )?(?:input |prompt )?tokens? exceeded\b/i,
  /\btoo many (?:input |prompt |context )?tokens\b|\bprompt has too many tokens\b/i,
  /\btoken limit\b[^\n]{0,20}\b(?:exceeded|reached)|\bexceed\w* (?:the )?(?:model(?:'s)?|max(?:imum)?) (?:message )?token(?:s| limit)\b/i,
  /\btokens?\b[^\n]{0,40}\bexceed\w*[^\n]{0,40}\b(?:max(?:imum)?|allowed|limit|window)\b/i,
  /\breduce (?:the |your )?(?:length of (?:the |your )?(?:input )?(?:messages?|prompt|input|either one)|prompt\b|context\b|input (?:token|length))/i,
  /\bprompt exceeds (?:the )?max(?:imum)? length\b/i,
  /\brequest body too large for [\w.-]+ model\b/i,
  /\bcontext[ _]length[ _]exceeded\b|\bContextWindowExceededError\b|\bcontext_window_exceeded\b/i,
  /输入(?:的)?(?:内容)?(?:长度|tokens?)?(?:超出|超过|过长)|上下文(?:长度)?(?:超出|超过|过长)/,
];

/** Limits of another kind that use the same words. */
const OTHER: readonly RegExp[] = [
  /\brate[ _-]?limit|\bper[ -](?:second|minute|min|hour|day)\b|\b(?:TPM|TPD|RPM|RPD)\b|\btoo many requests\b|\bquota\b|\bthrottl/i,
  /\bin the last (?:second|minute|hour|day)\b|\bwait (?:before|a|for)\b/i,
  /\bstring too long\b|\barray too long\b|\bmaximum length \d/i,
  /\b(?:images?(?! and text)|pixels?|dimensions?|files?|attachments?|audio|video|tools?|function|name|metadata|cache key)\b[^\n]{0,40}\b(?:too (?:large|long|many)|exceed)/i,
  /\bexceeds? \d+ MB\b/i,
];

/** True when a provider's names or words say that the input is too long for the model. */
export function saysOverflow(codes: readonly string[], message: string): boolean {
  if (codes.some((code) => CODES.has(code))) return true;
  return TEXTS.some((text) => text.test(message)) && !OTHER.some((text) => text.test(message));
}

/** True when the words tell of a limit that is not the context: a rate, a file, a single field. */
export function saysOtherLimit(message: string): boolean {
  return OTHER.some((text) => text.test(message));
}
