// Medians, ratios, and the table.

/** The q-th quantile (0 to 1), the nearest value. */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return Number.isInteger(half) ? (sorted[half - 1] + sorted[half]) / 2 : sorted[Math.floor(half)];
}

/** `12.3 (9.4–13.0, n8)` */
export function summary(values) {
  if (values === undefined || values.length === 0) return "";
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${short(median(values))} (${short(low)}–${short(high)}, n${values.length})`;
}

export function short(value) {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/**
 * One row of the table. `samples`: program -> values. `goals`: what is asked of Belay's median, each `{ than, most }` or
 * `{ than, least }` as a ratio to another program's, `{ most }`/`{ least }` in the row's own unit.
 */
export function row(figure, samples, goals = []) {
  return { figure, samples, verdicts: goals.flatMap((goal) => verdict(samples, goal)) };
}

function verdict(samples, { than, most, least, of = median }) {
  const own = of(samples.belay);
  if (than !== undefined && (samples[than]?.length ?? 0) === 0) return [];
  const value = than === undefined ? own : own / of(samples[than]);
  const ok = most !== undefined ? value <= most : value >= least;
  const limit = most !== undefined ? `≤ ${most}` : `≥ ${least}`;
  const text = than === undefined ? `${limit}` : `${than} × ${value.toFixed(2)} (${limit})`;
  return [{ ok, text }];
}

const PROGRAMS = ["belay", "codex", "bare"];

/** A Markdown table of all cases; the ratios and whether the goals hold stand in the last columns. */
export function table(cases) {
  const lines = [
    "| case | figure | belay | codex | bare node | goal | |",
    "| --- | --- | --- | --- | --- | --- | --- |",
  ];
  for (const { name, rows } of cases) {
    for (const { figure, samples, verdicts } of rows) {
      const cells = PROGRAMS.map((program) => summary(samples[program]));
      const goal = verdicts.map(({ text }) => text).join("; ");
      const outcome = verdicts.length === 0 ? "" : verdicts.every(({ ok }) => ok) ? "ok" : "missed";
      lines.push(`| ${[name, figure, ...cells, goal, outcome].join(" | ")} |`);
    }
  }
  return lines.join("\n");
}

/** Whether every goal of every case holds. */
export function allHold(cases) {
  return cases.every(({ rows }) => rows.every(({ verdicts }) => verdicts.every(({ ok }) => ok)));
}
