// The floor: what any Node program pays for one streamed answer. POST, read the events, print the text, leave.
import { request } from "node:http";

const [base = "", prompt = ""] = process.argv.slice(2);
const message = { type: "message", role: "user", content: [{ type: "input_text", text: prompt }] };
const body = JSON.stringify({ model: "gpt-5", input: [message], stream: true, store: false });
const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };

const sent = request(`${base}/responses`, { method: "POST", headers }, (response) => {
  let rest = "";
  let text = "";
  response.setEncoding("utf8");
  response.on("data", (chunk) => {
    const frames = (rest + chunk).split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) {
      const event = JSON.parse(frame.slice(frame.indexOf("data: ") + 6));
      if (event.type === "response.output_text.delta") text += event.delta;
      if (event.type === "response.completed") process.stdout.write(`${text}\n`, () => process.exit(0));
    }
  });
});
sent.end(body);
