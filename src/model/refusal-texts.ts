import type { ProviderError } from "./provider-error.js";
import type { RefusedPart } from "./types.js";

/** What of a request was refused, as far as a provider's words tell: a request that differs there may be taken. */
export interface Refused {
  /** Left out of the input, the request may be taken. */
  readonly refused?: RefusedPart | undefined;
  /** What the input should have held and did not: it is to be sent back with the answers it came with. */
  readonly wants?: "thoughts" | "signatures" | undefined;
  /** An optional field of the body that the server does not take: as in the body, parts after a dot ("reasoning.summary"). */
  readonly unsupported?: string | undefined;
  /** A field of the items of the input that the server does not take, and that items can do without. */
  readonly itemField?: string | undefined;
  /** A role that the server or its template does not take, or an order of roles; `unnamed`: some role. */
  readonly badRole?: "system" | "developer" | "alternation" | "unnamed" | undefined;
}

const NOT_TAKEN = [
  "\\bnot (?:currently |yet |be )?(?:support\\w*|allow\\w*|permit\\w*|accept\\w*|enabled|implemented|available|valid|recogni[sz]ed|process\\w*)\\b",
  "n['’]t (?:support|accept|allow|process)\\b",
  "\\b(?:unsupported|disabled|unexpected|extraneous|invalid|extra inputs|only supported|unknown|unrecogni[sz]ed)\\b",
  "\\b(?:must|should) not\\b",
].join("|");
const THOUGHTS =
  "(?:reasoning[_ ]content|reasoning[_ ]details|reasoning_text|thinking_blocks?|thought[_ ]?signatures?|thoughtSignature)";

/** Thoughts are missed: the opposite of refused, in words that are close. */
const WANTS: readonly RegExp[] = [
  /\breasoning[_ ]content\b[^\n]{0,80}\b(?:must be (?:passed|sent|provided|included)|passed back|is missing|are missing|is required|missing)/i,
  /\b(?:missing|must (?:include|contain|have|provide)|requires?|without|lacks?|needs?)\b[^\n]{0,40}\breasoning[_ ]content/i,
  /\bexpected `?thinking`? or `?redacted_thinking`?,? but found/i,
  /\bmust start with a thinking block/i,
];

/** The same of what signs a call. */
const WANTS_SIGNATURES: readonly RegExp[] = [
  /\b(?:requires?|needs?|must (?:include|have|contain))\b[^\n]{0,20}\bthought[_ ]?signature/i,
  /\bmissing\b[^\n]{0,20}\bthought[_ ]?signature|\bthought[_ ]?signature\b[^\n]{0,30}\b(?:is )?(?:missing|required)/i,
];

const REFUSED_THOUGHTS: readonly RegExp[] = [
  /\binvalid_encrypted_content\b|\bthinking_signature_invalid\b/i,
  // Whatever is said of it: nothing else of a request is encrypted.
  /\bencrypted[_ ](?:content|reasoning)\b|\b(?:reasoning|thinking|thoughts?)\b[^\n]{0,40}\bencrypted\b/i,
  /\binvalid\b[^\n]{0,12}\bsignature\b[^\n]{0,12}\bin\b[^\n]{0,6}\bthinking\b/i,
  /\bthinking\b[^\n]{0,40}\bblocks?\b[^\n]{0,80}\b(?:cannot|can't|must not) be (?:modified|changed|removed)/i,
  /\b(?:invalid|fail\w*|not)\b[^\n]{0,20}\bsignature\b[^\n]{0,30}\bthinking\b|\bsignature\b[^\n]{0,20}\bfailed\b[^\n]{0,30}\bthinking\b/i,
  /\bdecrypt(?:\b|ed\b|ion\b|ing\b)/i,
  // A field within a message or one of its calls.
  new RegExp(
    `\\b(?:messages?|input|tool_calls)\\b[^\\n]{0,160}?\\b(?:${THOUGHTS}|reasoning(?:_opaque)?|thinking|extra_content|provider_specific_fields)['"\`]?[^\\n]{0,20}?(?:${NOT_TAKEN})`,
    "i",
  ),
  new RegExp(`(?:${NOT_TAKEN})[^\\n]{0,60}?\\b(?:extra_content|provider_specific_fields|reasoning_opaque)\\b`, "i"),
  /\breasoning items? requires? encrypted_content\b/i,
  new RegExp(`\\b(?:thinking|reasoning) (?:blocks?|items?|content|parts?)\\b[^\\n]{0,40}?(?:${NOT_TAKEN})`, "i"),
  /\bthinking\.signature\b|\beach thinking block must contain thinking\b/i,
  /\b(?:corrupted|invalid|bad|malformed|expired)\b[^\n]{0,12}\bthought[_ ]?signature|\bthought[_ ]?signature\b[^\n]{0,30}\b(?:not valid|invalid|corrupted|malformed|expired)/i,
  new RegExp(`\\b${THOUGHTS}\\b[^\\n]{0,60}?(?:${NOT_TAKEN})`, "i"),
  new RegExp(`(?:${NOT_TAKEN})[^\\n]{0,60}?\\b${THOUGHTS}\\b`, "i"),
  /\bitem '?\w+'? of type '?\w+'? was provided without its required/i,
  /\bitem with id '?rs_\w*'? not found/i,
  /\bunknown variant [`'"]?(?:reasoning|thinking)\b|\binvalid value: '(?:reasoning|thinking)'/i,
];

/** Not as a part of a model's or a tool's name. */
const IMAGE =
  "(?<![\\w/-])(?:images?(?![ _-]?generation)|image_url|input_image|vision|multi-?modal(?:ity)?|visual|non-text)(?![\\w/-])";

const REFUSED_IMAGES: readonly RegExp[] = [
  new RegExp(`${IMAGE}[^\\n]{0,60}?(?:${NOT_TAKEN})`, "i"),
  new RegExp(`(?:${NOT_TAKEN}|no endpoints? found that support)[^\\n]{0,50}?${IMAGE}`, "i"),
  new RegExp(`\\bunknown variant [\`'"]?${IMAGE}|\\bnot an? (?:${IMAGE}|vlm\\b)|\\bnon-vision\\b`, "i"),
  /\bimages?\b[^\n]{0,40}\b(?:too (?:large|big|small|many)|exceeds?|not represent a valid|could not be|cannot be|can't be|corrupt\w*|malformed|broken|empty)\b/i,
  /\b(?:could not|cannot|can't|unable to|failed to|fail to|error while|error)\b[^\n]{0,20}\b(?:process\w*|read\w*|identify|decod\w*|load\w*|open\w*|pars\w*|download\w*|fetch\w*)\b[^\n]{0,20}\bimages?\b/i,
  /\bat most \d+ images?\b|\btoo many images\b/i,
  /\b(?:no|not|without|lacks?|requires?|needs?)\b[^\n]{0,25}\b(?:vision|multi-?modal)\b/i,
  /\bonly ['"`]?text['"`]? content type is supported|\binput should be 'text'/i,
  /\bonly (?:supports?|accepts?|takes?|handles?) text\b|\btext[- ]only\b/i,
  /\bimages?\b[^\n]{0,80}\b(?:does not match|doesn['’]t match|appears to be)\b|\bimage_url\b[^\n]{0,30}\bmust\b/i,
  /\bcontent['"`]? must be a string\b|\binvalid type: sequence, expected a string\b/i,
];
const IMAGE_CODES = /^(?!.*generation).*image/;

const ALTERNATION: readonly RegExp[] = [
  /\b(?:must|should)\b[^\n]{0,20}\balternate\b|\balternate between\b|\balternating\b/i,
  /\bexpected last role\b|\blast message (?:must|should) (?:have|be)\b/i,
  /\brole\b[^\n]{0,20}\bafter\b|\brole (?:sequence|order)\b|\bfirst message must (?:be|have)\b/i,
  /\bmust be followed by an? (?:user|assistant)\b|\bmessage (?:sequence|order)\b/i,
  /\broles? in a row\b|\bconsecutive (?:user|assistant)\b/i,
  /\bfunction call turn comes immediately after\b/i,
];

const DEVELOPER: readonly RegExp[] = [
  /\bdeveloper['"`]? is not (?:one of|a valid|supported)/i,
  /\b(?:unknown variant|unsupported role|invalid role|unknown role|unexpected role|does not support|invalid value|got|received|unsupported value)\b:?[^\n]{0,40}?[`'" ]developer\b/i,
  /\bdeveloper['"`]? (?:role|messages?)\b[^\n]{0,30}\bnot\b/i,
  /\brole['"`]? ['"`]?developer\b[^\n]{0,30}\b(?:not|invalid|unknown)/i,
  // What pydantic says of a role it does not list.
  /\binput should be 'system', 'user'/i,
];

const SYSTEM: readonly RegExp[] = [
  /\bsystem['"`]? (?:roles?|messages?|prompts?|instructions?)\b[^\n]{0,30}\bnot (?:be )?(?:support|allow|enabled)/i,
  /\b(?:does|do)(?: not|n't) support\b[^\n]{0,30}\bsystem\b/i,
  /\b(?:unknown variant|unsupported role|invalid role|unknown role|unexpected role)\b:? ?[`'"]?system\b/i,
  /\bdeveloper instruction is not enabled\b/i,
  /\bsystem['"`]? is not one of\b|\brole['"`]? ['"`]?system['"`]? is not\b|\broles? (?:are|is) supported, got ['"`]?system\b/i,
];

/** Of a role that is not named. */
const ROLE: readonly RegExp[] = [
  /\b(?:unexpected|invalid|unknown|unsupported) (?:message )?role\b/i,
  /\broles? (?:must|should) be\b|\brole: input should be\b/i,
];

/** `input[2].phase`, `input[2].content[0].annotations`. */
const ITEM_FIELD =
  /\binput(?:\[\d+\]|\.\d+)(?:\.(?:content|output)(?:\[\d+\]|\.\d+))?\.(phase|status|id|annotations|detail|logprobs)\b/;

/** Fields that a request can do without. What a user put into `extra_body` is not among them. */
export const OPTIONAL: ReadonlySet<string> = new Set([
  "stream_options",
  "parallel_tool_calls",
  "tool_choice",
  "reasoning",
  "reasoning.effort",
  "reasoning.summary",
  "reasoning_effort",
  "include",
  "prompt_cache_key",
  "store",
  "text.verbosity",
  "verbosity",
  "service_tier",
]);
/** Those whose names are no words of another meaning. */
const TELLING = [...OPTIONAL].filter((name) => /_/.test(name));

const QUOTED = "['\"`]([A-Za-z_][\\w.\\[\\]]*)['\"`]";
const SNAKE = "\\b([a-z]+(?:_[a-z]+)+(?:\\.\\w+)?)";
const KINDS = "(?:parameters?|arguments?|fields?|keys?|propert(?:y|ies))";
const NOT_OK = "(?:unsupported|not (?:\\w+ )?(?:supported|allowed|permitted|valid|recogni[sz]ed|available))";

/** What is captured is a name: quoted, behind a colon, or with an underscore in it, since any word may stand there otherwise. */
const UNSUPPORTED: readonly RegExp[] = [
  // Unknown parameter: 'x'; unrecognized request argument supplied: x; unknown field `x`.
  new RegExp(
    `\\b(?:unknown|unsupported|unrecogni[sz]ed|unexpected|invalid|extra) (?:request |keyword )?${KINDS}(?:\\(s\\))?(?: in \\w+)?(?: supplied)?(?::? ${QUOTED}|: (\\w[\\w.]*)(?=\\s*(?:[,.;()]|$))| ${SNAKE}| (\\w+)$)`,
    "i",
  ),
  new RegExp(`\\bunsupported value: ${QUOTED} does not support\\b`, "i"),
  new RegExp(`\\b(?:not|n['’]t) support (?:the )?${KINDS}:? \\[?(?:${QUOTED}|${SNAKE})`, "i"),
  /(?:^|[\s({'"])([A-Za-z_][\w.]*): extra inputs are not permitted/i,
  /'extra_forbidden', 'loc': \('body', '(\w+)'\)/i,
  new RegExp(`\\b${KINDS} (?:${QUOTED}|${SNAKE}) (?:\\w+ ){0,6}?(?:is |are )?${NOT_OK}`, "i"),
  new RegExp(`(?:^|[\\s({'"])(?:${QUOTED}|${SNAKE}): (?:unknown|unsupported|unrecogni[sz]ed|unexpected) ${KINDS}`, "i"),
  new RegExp(`\\b(?:not|n['’]t) support (?:the )?${QUOTED} ${KINDS}`, "i"),
  /'(\w+)' (?:was|were) unexpected/i,
  // A value that is quoted behind its field.
  new RegExp(`${SNAKE} ['"\`][^'"\`]{1,40}['"\`] (?:is|are) ${NOT_OK}`, "i"),
  /\bunknown name ["']?(\w+)["']?: cannot find field/i,
  /\bextraneous key \[(\w+)\]/i,
  /\bargument not supported(?: on this model)?: ['"`]?(\w+)/i,
  // Not a model, nor a value of a field.
  new RegExp(
    `(?<!\\b(?:model|value|role|type|version|tool|format|mode|level|effort)s?:? )${QUOTED} (?:is|are) (?:${NOT_OK}|only allowed)\\b`,
    "i",
  ),
  new RegExp(`${SNAKE} (?:is |are )?${NOT_OK}`, "i"),
  new RegExp(`\\b(?:not|n['’]t) support ['"\`]?${SNAKE}`, "i"),
];

const UNSUPPORTED_CODES: ReadonlySet<string> = new Set([
  "unsupported_parameter",
  "unknown_parameter",
  "unsupported_value",
  "unrecognized_parameter",
  "extra_forbidden",
]);

/** What a request can't do without: a refusal of these is about something else. */
const NEEDED: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "input",
  "stream",
  "role",
  "content",
  "name",
  "type",
]);

/** Reads a refusal. Empty when its words say nothing that could be mended. */
export function readRefusal({ codes, message, param }: ProviderError): Refused {
  const says = (texts: readonly RegExp[]) => texts.some((text) => text.test(message));
  if (says(WANTS)) return { wants: "thoughts" };
  if (says(WANTS_SIGNATURES)) return { wants: "signatures" };
  // OpenAI, of a model that does not reason: what can't be asked for, not what was sent.
  if (/\bencrypted[ _]content is not supported\b|\binclude\b[^\n]{0,60}\bencrypted_content\b/i.test(message)) {
    return { unsupported: "include" };
  }
  if (codes.includes("invalid_encrypted_content") || codes.includes("thinking_signature_invalid")) {
    return { refused: "thoughts" };
  }
  if (says(REFUSED_THOUGHTS)) return { refused: "thoughts" };
  if (codes.some((code) => IMAGE_CODES.test(code)) || says(REFUSED_IMAGES)) return { refused: "images" };
  if (says(ALTERNATION)) return { badRole: "alternation" };
  if (says(SYSTEM)) return { badRole: "system" };
  if (says(DEVELOPER)) return { badRole: "developer" };
  if (says(ROLE)) return { badRole: "unnamed" };
  const itemField = ITEM_FIELD.exec(param ?? "")?.[1] ?? ITEM_FIELD.exec(message)?.[1];
  if (itemField !== undefined) return { itemField };
  const field = unsupportedField(codes, message, param) ?? optionalField(message, param);
  return field === undefined ? {} : { unsupported: field };
}

/** A field that requests can do without, where a refusal only mentions it. */
function optionalField(message: string, param: string | undefined): string | undefined {
  if (param !== undefined && OPTIONAL.has(param)) return param;
  return TELLING.find((name) => new RegExp(`\\b${name}\\b`).test(message));
}

function unsupportedField(codes: readonly string[], message: string, param: string | undefined): string | undefined {
  if (param !== undefined && codes.some((code) => UNSUPPORTED_CODES.has(code))) {
    const named = fieldName(param);
    if (named !== undefined) return named;
  }
  for (const text of UNSUPPORTED) {
    const named = fieldName(
      text
        .exec(message)
        ?.slice(1)
        .find((name) => name !== undefined),
    );
    if (named !== undefined) return named;
  }
  // Ollama, of a model that does not think, when an effort was asked for.
  return /\bdoes not support thinking\b/i.test(message) ? "reasoning_effort" : undefined;
}

/** A field of the body by its path, or undefined for what lies within the input, can't be left out, or is no name. */
function fieldName(said: string | undefined): string | undefined {
  if (said === undefined) return undefined;
  const path = said
    .replace(/^body\./, "")
    .replace(/\[\d*\]|\.\d+(?=\.|$)/g, "")
    .replace(/[.[\]]+$/, "");
  const parts = path.split(".").map(snakeCase);
  const [top] = parts;
  if (top === undefined || !/^[a-z]\w*$/.test(top) || NEEDED.has(top) || parts.length > 3) return undefined;
  return parts.join(".");
}

/** Some servers name a field as their own code does: presencePenalty. */
function snakeCase(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
}
