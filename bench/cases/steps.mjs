import { median, row } from "../figures.mjs";
import { STEPS } from "../script.mjs";
import { measureTurn, samplesOf } from "../turns.mjs";

const ROUNDS = 3;

/** A long turn: one `echo` a step, with the shell arguments the program takes by itself. */
export async function steps(lab) {
  const [each, halves, growth, cpu, rss] = [samplesOf(), samplesOf(), samplesOf(), samplesOf(), samplesOf()];
  for (let round = 0; round < ROUNDS; round += 1) {
    // Belay on both sides of the peer: its runs are short, and a busy moment of the machine fills half of one.
    for (const name of lab.names.length > 1 ? [...lab.names, "belay"] : lab.names) {
      const measured = await measureTurn(lab, { name, script: "steps", expect: "Done." });
      const requests = lab.server.requests(measured.run);
      const wrong = requests.findIndex(({ ok }) => ok === false);
      if (requests.length !== STEPS + 1 || wrong >= 0) {
        throw new Error(`${name}: ${requests.length} requests; no output of step ${wrong}`);
      }
      const at = (n) => requests[n].at;
      each[name].push((at(STEPS) - at(0)) / STEPS);
      const took = Array.from({ length: STEPS }, (_, n) => at(n + 1) - at(n));
      // Medians: what else the machine does for half a second must not look like growth.
      halves[name].push(median(took.slice(STEPS / 2)) / median(took.slice(0, STEPS / 2)));
      growth[name].push((requests[STEPS].bytes - requests[0].bytes) / STEPS);
      cpu[name].push(measured.cpu / STEPS);
      rss[name].push(measured.rss);
    }
  }
  return [
    row(`step of ${STEPS}, ms`, each, [{ than: "codex", most: 0.25 }]),
    row("median step, second half / first half", halves, [{ most: 1.1 }]),
    row("CPU a step, ms", cpu, [{ than: "codex", most: 0.4 }]),
    row("request growth a step, bytes", growth),
    row("peak RSS, MB", rss),
  ];
}
