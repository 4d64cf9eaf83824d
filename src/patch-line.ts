import { Command, CommanderError } from "commander";
import { applyPatchCommand, runApplyPatch } from "./front/apply-patch/index.js";
import { type FrontDeps, type ProgramOptions, runProgram } from "./front/host/index.js";

const USAGE_EXIT_CODE = 2;

/**
 * Runs `belay apply-patch` as this process, with the words after the command's name: a program of its own, so that a
 * patch does not wait for the rest to be read and compiled. Never rejects.
 */
export function startPatchLine(words: readonly string[], options: Omit<ProgramOptions, "loadEngine">): Promise<void> {
  const loadEngine = () => Promise.reject(new Error("a patch needs no engine"));
  return runProgram((deps) => runPatchLine(words, deps), { ...options, loadEngine });
}

/** Resolves with the exit code. */
async function runPatchLine(words: readonly string[], deps: FrontDeps): Promise<number> {
  let code = 0;
  const program = new Command("belay")
    .helpOption("-h, --help", "print this help")
    .showHelpAfterError("(belay apply-patch --help shows what there is)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void deps.stdout.write(text),
      writeErr: (text) => void deps.stderr.write(text),
    });
  const command = applyPatchCommand(async (args) => {
    code = await runApplyPatch(args, deps);
  });
  program.addCommand(command.copyInheritedSettings(program));
  try {
    await program.parseAsync(["apply-patch", ...words], { from: "user" });
    return code;
  } catch (error) {
    // How commander ends: help that was asked for is a success, all else is wrong usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    throw error;
  }
}
