import { setTimeout as delay } from "node:timers/promises";
import { saveRule } from "../../src/rules/index.js";

/* A program that saves rules, one after the other: PATH NAME COUNT. */

const [path = "", name = "", count = "0"] = process.argv.slice(2);
for (let n = 0; n < Number(count); n += 1) {
  const rule = { prefix: [`${name}${n}`, "test"], exact: false, cwd: "/w" };
  const saved = await saveRule(path, rule, async (ms) => {
    await delay(ms);
  });
  if (!saved.ok) throw new Error(saved.message);
}
