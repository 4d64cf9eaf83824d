// Answers of a Responses server as prebuilt bytes, with the fields that the real one sends.
const USAGE = {
  input_tokens: 10,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 5,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 15,
};

/** A message of these deltas, with its whole text after them. */
export function textAnswer(deltas) {
  const item = messageItem("completed", deltas.join(""));
  const place = { item_id: item.id, output_index: 0, content_index: 0 };
  return answer([
    frame("response.output_item.added", { output_index: 0, item: { ...item, status: "in_progress", content: [] } }),
    frame("response.content_part.added", { ...place, part: { type: "output_text", text: "", annotations: [] } }),
    ...deltas.map((delta, n) => frame("response.output_text.delta", { ...place, delta, sequence_number: n + 4 })),
    frame("response.output_text.done", { ...place, text: deltas.join("") }),
    frame("response.output_item.done", { output_index: 0, item }),
    frame("response.completed", { response: { id: "resp_bench", status: "completed", output: [item], usage: USAGE } }),
  ]);
}

/** One call of the tool `exec_command`. */
export function callAnswer(callId, cmd) {
  const name = "exec_command";
  const item = { type: "function_call", id: `fc_${callId}`, call_id: callId, name, arguments: JSON.stringify({ cmd }) };
  return answer([
    frame("response.output_item.done", { output_index: 0, item }),
    frame("response.completed", { response: { id: "resp_bench", status: "completed", output: [item], usage: USAGE } }),
  ]);
}

/** The first event of any answer. */
export const CREATED = frame("response.created", { response: { id: "resp_bench", status: "in_progress" } });

/** A message that never ends: how it begins, and what comes again and again. */
export function endlessAnswer(delta) {
  const item = messageItem("in_progress", "");
  const place = { item_id: item.id, output_index: 0, content_index: 0 };
  const head = [
    CREATED,
    frame("response.output_item.added", { output_index: 0, item: { ...item, content: [] } }),
    frame("response.content_part.added", { ...place, part: { type: "output_text", text: "", annotations: [] } }),
  ];
  return { head: head.join(""), again: frame("response.output_text.delta", { ...place, delta, sequence_number: 4 }) };
}

function answer(frames) {
  return Buffer.from([CREATED, ...frames].join(""));
}

function messageItem(status, text) {
  const content = [{ type: "output_text", text, annotations: [] }];
  return { id: "msg_0123456789abcdef0123456789abcdef", type: "message", role: "assistant", status, content };
}

function frame(type, fields) {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}
