import { runMeasured } from "../accounting.mjs";
import { row } from "../figures.mjs";

const ROUNDS = 15;

/** `--version` against a Node that does nothing. */
export async function version(lab) {
  const { belay, codex } = lab.programs;
  const wall = { belay: [], codex: [], bare: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    wall.bare.push((await measure([lab.node, "-e", "0"], lab)).wall);
    wall.belay.push((await measure([...belay.command, "--version"], lab)).wall);
    if (codex !== undefined) wall.codex.push((await measure([...codex.command, "--version"], lab)).wall);
  }
  return [row("`--version`, ms (bare: `node -e 0`)", wall, [{ than: "bare", most: 1.3 }])];
}

function measure(argv, lab) {
  return runMeasured({ argv, env: lab.programs.belay.env, cwd: lab.work });
}
