import type { Random } from "../../base/index.js";
import type { MessageItem, ReasoningItem, ResponseItem } from "../../protocol/index.js";
import { newCallId } from "./call-ids.js";
import type { Part } from "./content.js";
import type { Draft } from "./drafts.js";

/** A draft as the conversation keeps it, with nothing in it but what is known; undefined when it says nothing. */
export function itemOf(draft: Draft, random: Random): ResponseItem | undefined {
  const id = draft.id === undefined ? {} : { id: draft.id };
  switch (draft.kind) {
    case "message":
      return messageOf(draft);
    case "reasoning":
      return reasoningOf(draft);
    case "custom_tool_call": {
      const call_id = draft.callId ?? draft.id ?? newCallId(random);
      return { type: "custom_tool_call", ...id, name: draft.name ?? "", input: draft.args.text(), call_id };
    }
    case "function_call": {
      const call_id = draft.callId ?? draft.id ?? newCallId(random);
      return { type: "function_call", ...id, name: draft.name ?? "", arguments: draft.args.json().text, call_id };
    }
  }
}

/** A message of these parts, without annotations and the like: they would go back with each request. */
export function contentOf(parts: readonly Part[]): MessageItem["content"] {
  return parts.map(({ type, text }) => (type === "text" ? { type: "output_text", text } : { type, refusal: text }));
}

function messageOf(draft: Draft): MessageItem | undefined {
  const parts = draft.content.parts();
  if (parts.length === 0) return undefined;
  const { id, phase, status } = draft;
  return {
    type: "message",
    ...(id === undefined ? {} : { id }),
    role: "assistant",
    content: contentOf(parts),
    ...(status === "completed" || status === "incomplete" ? { status } : {}),
    ...(phase === undefined ? {} : { phase }),
  };
}

/** Thoughts that the server announced and never told, neither as text nor sealed, are kept only if they were told whole. */
function reasoningOf(draft: Draft): ReasoningItem | undefined {
  const summary = draft.summary.parts().map(({ text }) => ({ type: "summary_text" as const, text }));
  const content = draft.content.parts().map(({ text }) => ({ type: "reasoning_text", text }));
  const { id, encrypted } = draft;
  if (!draft.closed && summary.length === 0 && content.length === 0 && encrypted === undefined) return undefined;
  return {
    type: "reasoning",
    ...(id === undefined ? {} : { id }),
    summary,
    ...(content.length === 0 ? {} : { content }),
    ...(encrypted === undefined ? {} : { encrypted_content: encrypted }),
  };
}

/** Why a draft cannot be taken for what the model said, at an end that is told to be good; undefined where it can. */
export function damageOf(draft: Draft): string | undefined {
  if (draft.kind !== "function_call" && draft.kind !== "custom_tool_call") return undefined;
  if (draft.name === undefined) return "a call came without its name";
  if (!draft.closed && draft.args.empty && !draft.args.done) return `the arguments of ${draft.name} did not come`;
  const cut = draft.kind === "function_call" && draft.args.json().cut;
  return cut ? `the arguments of ${draft.name} were cut` : undefined;
}

/** Whether a draft is known to be whole without a word of the server on the response as a whole. */
export function isWhole(draft: Draft): boolean {
  if (damageOf(draft) !== undefined) return false;
  if (draft.closed || draft.args.done || draft.content.done || draft.summary.done) return true;
  return draft.kind === "function_call" || !draft.announced;
}
