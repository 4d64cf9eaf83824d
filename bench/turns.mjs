// One headless turn of any of the programs, measured from both ends.
import { runMeasured } from "./accounting.mjs";

export function samplesOf() {
  return { belay: [], codex: [], bare: [] };
}

/**
 * Runs one turn, of the session `resume` where it is given; throws when the program failed or the text it should have printed is not the end of its stdout.
 * Beside the account: ms from start to the first request, ms from the model's last byte to exit, bytes of that request,
 * and the run's name at the server.
 */
export async function measureTurn(lab, { name, script, expect, slow, resume, cwd = lab.work }) {
  const run = lab.nextRun();
  const url = lab.server.url(script, run);
  const program = lab.programs[name];
  const argv = name === "bare" ? lab.bare.argv(url) : program.exec(url, resume);
  const { env } = name === "bare" ? lab.bare : program;
  const account = await runMeasured({ argv, env, cwd, ...(slow === undefined ? {} : { slow }) });
  if (account.code !== 0 || !endsWith(account.stdout, expect)) {
    throw new Error(`${name}, ${script}: exit ${account.code}, ${account.stdout.length} bytes: ${account.errors}`);
  }
  const first = await lab.server.message({ type: "request", run, n: 0 });
  const last = lab.server.requests(run).at(-1);
  const finished = await lab.server.message({ type: "finished", run, n: last.n });
  const answered = await lab.server.message({ type: "answer", run, n: last.n });
  return {
    ...account,
    run,
    toRequest: first.at - account.startMs,
    // The moment the server began to write: small answers are one write, and their reader may be faster than `finished`.
    toExit: account.endMs - answered.at,
    sinceRequest: account.endMs - first.at,
    finishedAt: finished.at,
    bytes: first.bytes,
  };
}

function endsWith(stdout, expect) {
  const text = Buffer.from(expect);
  const end = stdout.at(-1) === 0x0a ? stdout.length - 1 : stdout.length;
  return stdout.subarray(Math.max(0, end - text.length), end).equals(text);
}
