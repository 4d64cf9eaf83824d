import { row } from "../figures.mjs";
import { measureTurn, samplesOf } from "../turns.mjs";

const ROUNDS = 5;

/** One command that prints 50 MB. */
export async function flood(lab) {
  const [wall, above, kept] = [samplesOf(), samplesOf(), samplesOf()];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of lab.names) {
      const idle = await measureTurn(lab, { name, script: "text", expect: "Hello." });
      const flooded = await measureTurn(lab, { name, script: "flood", expect: "Done." });
      const [first, second] = lab.server.requests(flooded.run);
      wall[name].push(second.at - first.at);
      above[name].push(flooded.rss - idle.rss);
      kept[name].push(second.output.length);
      const whole = second.output.head && second.output.tail;
      if (name === "belay" && !whole) throw new Error("head or tail of the output did not reach the model");
    }
  }
  return [
    row("tool turn with 50 MB of output, ms", wall, [{ than: "codex", most: 1 }]),
    row("peak RSS over a turn without tools, MB", above, [{ most: 15 }]),
    row("characters to the model, head and tail right", kept),
  ];
}
