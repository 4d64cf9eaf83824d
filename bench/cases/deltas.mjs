import { row } from "../figures.mjs";
import { DELTA_TEXT, DELTAS } from "../script.mjs";
import { measureTurn, samplesOf } from "../turns.mjs";

const ROUNDS = 5;
const SLOW_BYTES_A_SECOND = 2_000_000;

/** One answer of 100,000 deltas; once more with a reader of stdout that is slow. */
export async function deltas(lab) {
  const [rate, cpu, rss] = [samplesOf(), samplesOf(), samplesOf()];
  const expect = DELTA_TEXT.repeat(DELTAS);
  await lab.server.prepare("deltas");
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of ["bare", ...lab.names]) {
      const measured = await measureTurn(lab, { name, script: "deltas", expect });
      rate[name].push(DELTAS / (measured.sinceRequest / 1000));
      cpu[name].push(measured.cpu);
      rss[name].push(measured.rss);
    }
  }
  const arrived = samplesOf();
  for (const name of lab.names) {
    // Throws when a byte is missing.
    const measured = await measureTurn(lab, { name, script: "deltas", expect, slow: SLOW_BYTES_A_SECOND });
    arrived[name].push(measured.stdout.length / 1e6);
  }
  return [
    row("deltas/s, request to exit", rate, [{ than: "codex", least: 1 }]),
    row("CPU, ms", cpu),
    row("peak RSS, MB", rss, [{ than: "codex", most: 1 }]),
    row("arrived through a 2 MB/s pipe, MB", arrived, [{ least: expect.length / 1e6 }]),
  ];
}
