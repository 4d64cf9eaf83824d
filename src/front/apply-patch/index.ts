import { Command } from "commander";
import type { FrontDeps } from "../host/index.js";
import type { ApplyPatchArgs } from "./run.js";

export type { ApplyPatchArgs } from "./run.js";

interface Flags {
  readonly cd?: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

const AFTER_HELP = `
The patch comes as the argument, or on stdin. All of it is applied, or nothing. Called by the name apply_patch (a symbolic
link to belay), the program is this command.

Example:
  belay apply-patch <<'EOF'
  *** Begin Patch
  *** Update File: greet.txt
  @@
  -hello
  +good morning
  *** End Patch
  EOF
`;

/** The command `apply-patch`; `run` gets what was asked for. */
export function applyPatchCommand(run: (args: ApplyPatchArgs) => Promise<void>): Command {
  return new Command("apply-patch")
    .description("apply a patch in the format of apply_patch, all or nothing")
    .argument("[patch]", "the patch; without it, or with -, it is read from stdin")
    .option("-C, --cd <dir>", "the folder the patch's paths start from")
    .option("--check", "only say whether it would apply")
    .option("--json", "print the result as one JSON object")
    .addHelpText("after", AFTER_HELP)
    .action((patch: string | undefined, flags: Flags) =>
      run({ patch, folder: flags.cd, check: flags.check === true, json: flags.json === true }),
    );
}

/** Applies one patch; resolves with the exit code: 0 applied (or would be), 1 refused, 2 wrong usage. */
export async function runApplyPatch(args: ApplyPatchArgs, deps: FrontDeps): Promise<number> {
  return (await import("./run.js")).runApplyPatch(args, deps);
}
