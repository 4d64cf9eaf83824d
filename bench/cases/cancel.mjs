import { now, startMeasured } from "../accounting.mjs";
import { row } from "../figures.mjs";
import { openProto } from "../proto-client.mjs";
import { samplesOf } from "../turns.mjs";

const ROUNDS = 10;
const LIMIT_MS = 50;

/** The model is silent: from the wish to stop until the server sees its socket closed. */
export async function cancel(lab) {
  const [closed, exit, proto] = [samplesOf(), samplesOf(), samplesOf()];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of lab.names) {
      const measured = await cancelExec(lab, name);
      closed[name].push(measured.closed);
      exit[name].push(measured.exit);
    }
    proto.belay.push(await cancelProto(lab));
  }
  const worst = (values) => Math.max(...values);
  return [
    row("exec: SIGINT to the socket closed, ms", closed, [{ most: LIMIT_MS, of: worst }]),
    row("exec: SIGINT to exit, ms", exit),
    row("proto: interrupt to the socket closed, ms", proto, [{ most: LIMIT_MS, of: worst }]),
  ];
}

async function cancelExec(lab, name) {
  const program = lab.programs[name];
  const run = lab.nextRun();
  const started = startMeasured({ argv: program.exec(lab.server.url("silent", run)), env: program.env, cwd: lab.work });
  started.stdin.end();
  const pid = await started.started;
  await lab.server.message({ type: "request", run });
  const at = await sendLater(() => process.kill(pid, "SIGINT"));
  const { endMs } = await started.ended;
  return { closed: (await lab.server.message({ type: "closed", run })).at - at, exit: endMs - at };
}

async function cancelProto(lab) {
  const run = lab.nextRun();
  const proto = openProto(lab, lab.server.url("silent", run));
  proto.submit({ type: "user_input", items: [{ type: "text", text: "say hello" }] });
  await lab.server.message({ type: "request", run });
  const at = await sendLater(() => proto.submit({ type: "interrupt" }));
  const { at: end } = await lab.server.message({ type: "closed", run });
  await proto.close();
  return end - at;
}

/** Once the client has had time to read the first event and to wait. */
async function sendLater(send) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  const at = now();
  send();
  return at;
}
