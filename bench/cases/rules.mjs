import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { buildRoom } from "../../scripts/build.mjs";
import { row } from "../figures.mjs";

const ROUNDS = 10;

/** Runs in a Node of its own, the room's file in argv[2]: the first script that needs the parser, then many. */
const PROBE = `
const start = performance.now();
const { readCommand, judge, readRules } = require(process.argv[1]);
const loaded = performance.now();
const read = (script) => readCommand({ argv: ["bash", "-lc", script], cwd: "/" });
const each = async (script) => {
  for (let n = 0; n < 300; n += 1) await read(script);
  const begin = performance.now();
  for (let n = 0; n < 1000; n += 1) await read(script);
  return performance.now() - begin;
};
(async () => {
  await read("ls -la src");
  const plain = performance.now();
  await read("ls | wc -l");
  const cold = performance.now() - plain;
  const simple = await each("git status --short");
  const short = await each("cd src && git status -sb | head -n 5; rg -n 'foo bar' lib");
  const long = await each(Array.from({ length: 50 }, (_, n) => "grep -rn 'needle " + n + "' src").join(" && "));
  const text = Array.from({ length: 50 }, (_, n) => '[[rule]]\\nprefix = ["tool' + n + '"]\\ndecision = "forbid"\\n').join("");
  const set = await readRules([{ path: "/r", text, origin: "home" }]);
  const reading = await read("cd src && git status -sb | head -n 5; rg -n 'foo bar' lib");
  const begin = performance.now();
  for (let n = 0; n < 1000; n += 1) judge(reading, set);
  console.log(JSON.stringify({ load: loaded - start, cold, simple, short, long, judge: performance.now() - begin }));
})();
`;

/** What reading a command costs: the parser's first use in a process, and each script after it. */
export async function rules(lab) {
  const folder = join(lab.work, "rules-room");
  await buildRoom("rules", folder);
  const figures = { load: [], cold: [], simple: [], short: [], long: [], judge: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const { stdout, stderr } = spawnSync(lab.node, ["-e", PROBE, join(folder, "rules.cjs")], { encoding: "utf8" });
    if (stdout === "") throw new Error(stderr);
    for (const [name, value] of Object.entries(JSON.parse(stdout))) figures[name].push(value);
  }
  return [
    row("loading the room without the parser, ms", { belay: figures.load }),
    row("the parser, at its first script, ms", { belay: figures.cold }),
    row("a plain command, µs", { belay: figures.simple }, [{ most: 1000 }]),
    row("a script of 4 commands, µs", { belay: figures.short }, [{ most: 1000 }]),
    row("a script of 50 commands, µs", { belay: figures.long }),
    row("4 commands looked up in 50 rules, µs", { belay: figures.judge }, [{ most: 1000 }]),
  ];
}
