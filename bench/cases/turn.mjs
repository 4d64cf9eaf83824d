import { row } from "../figures.mjs";
import { measureTurn, samplesOf } from "../turns.mjs";

const ROUNDS = 12;

/** One whole process: start, one request, one streamed answer, exit. */
export async function turn(lab) {
  const rows = ["wall", "cpu", "rss", "toRequest", "toExit", "bytes"];
  const samples = Object.fromEntries(rows.map((name) => [name, samplesOf()]));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const name of ["bare", ...lab.names]) {
      const measured = await measureTurn(lab, { name, script: "text", expect: "Hello." });
      // The first round warms the page cache and fills the homes.
      if (round >= 0) for (const figure of rows) samples[figure][name].push(measured[figure]);
    }
  }
  return [
    row("one turn, ms", samples.wall, [
      { than: "codex", most: 0.5 },
      { than: "bare", most: 1.5 },
    ]),
    row("CPU, ms", samples.cpu, [{ than: "codex", most: 0.5 }]),
    row("peak RSS, MB", samples.rss, [{ than: "codex", most: 0.6 }]),
    row("start to request, ms", samples.toRequest),
    row("model's last byte to exit, ms", samples.toExit, [{ than: "codex", most: 0.3 }]),
    row("request, bytes", samples.bytes),
  ];
}
