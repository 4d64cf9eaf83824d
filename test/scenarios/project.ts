import { call, type Reply, text, usage } from "../support/model-server.js";
import type { Place } from "../support/program.js";

/** A module with a bug and a test that shows it. */
export function writeProject(place: Place): void {
  place.write("sum.mjs", "export const sum = (a, b) => a - b;\n");
  place.write(
    "sum.test.mjs",
    `import { sum } from "./sum.mjs";
const got = sum(2, 3);
console.log("sum is", got);
process.exitCode = got === 5 ? 0 : 1;
`,
  );
}

export const FINAL = "Fixed: sum subtracted.";

const PATCH = `*** Begin Patch
*** Update File: sum.mjs
@@
-export const sum = (a, b) => a - b;
+export const sum = (a, b) => a + b;
*** End Patch`;

/** What a model does about that bug: reads, runs the test, patches, runs it again, sums up. */
export function fixingReplies(): Reply[] {
  const counts = { input: 100, cached: 40, output: 10 };
  return [
    [text("Reading first."), call("exec_command", { cmd: "cat sum.mjs" }, "read"), usage(counts)],
    [call("shell", { command: ["node", "sum.test.mjs"] }, "red"), usage(counts)],
    [call("apply_patch", { input: PATCH }, "patch"), usage(counts)],
    [call("shell", { command: ["node", "sum.test.mjs"] }, "green"), usage(counts)],
    [text(FINAL, { chunks: 4 }), usage(counts)],
  ];
}
