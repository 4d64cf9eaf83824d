// The program as it is, but for its engine, which plays the script in FAKE_SCRIPT.
import { runCommandLine } from "../../src/command-line.js";
import { runProgram } from "../../src/front/host/index.js";
import { fakeEngine, type Step } from "./fake-engine.js";

await runProgram((deps) => runCommandLine(process.argv.slice(2), deps), {
  process,
  version: "1.2.3",
  loadEngine: async () => fakeEngine(JSON.parse(process.env.FAKE_SCRIPT ?? "[]") as Step[]),
  exit: (code) => process.exit(code),
});
