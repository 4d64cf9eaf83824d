import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Config } from "../../src/config/index.js";
import type { ReviewDecision } from "../../src/protocol/index.js";
import { call, text } from "../support/model-server.js";
import { checkStopContract } from "../support/stop-contract.js";
import { openTalk } from "../support/talk.js";
import { WALLED } from "../support/walls.js";

const WRITE = { cmd: "echo first; touch made", login: false };

/** One command in read-only; what the model is told of it, and what was seen. */
async function runConfined(
  t: TestContext,
  options: { policy: Config["approvalPolicy"]; answer?: ReviewDecision | "interrupt"; args?: object; calls?: number },
) {
  const overrides = { approvalPolicy: options.policy, sandboxPolicy: { mode: "read-only" } } as const;
  const { server, talk } = await openTalk(overrides);
  t.after(async () => {
    await talk.close();
    await server.close();
  });
  const calls = Array.from({ length: options.calls ?? 1 }, () => call("exec_command", options.args ?? WRITE));
  server.enqueue(...calls, text("ok"));
  const turn = talk.say("go");
  const { answer } = options;
  let reason: string | null | undefined;
  if (answer !== undefined) {
    const request = await talk.until("exec_approval_request");
    reason = request.reason;
    if (answer === "interrupt") talk.conversation.submit({ type: "interrupt" }, "stop");
    else talk.conversation.submit({ type: "exec_approval", id: request.call_id, decision: answer });
  }
  const end = await talk.end(turn);
  checkStopContract(talk.events, answer === "interrupt" ? ["stop"] : []);
  const outputs = server.requests.slice(1).map((request, at) => request.outputOf(`call_${at}_0`) ?? "");
  const count = (type: string) => talk.events.filter(({ msg }) => msg.type === type).length;
  return { talk, end, reason, outputs, count, made: existsSync(join(talk.cwd, "made")) };
}

test("a denial is offered outside: approved, it runs again, and the model has both outputs", WALLED, async (t) => {
  for (const policy of ["on-request", "on-failure"] as const) {
    const { reason, outputs, count, made, talk } = await runConfined(t, { policy, answer: "approved" });
    assert.match(
      reason ?? "",
      /^it failed\. The sandbox \(read-only\) was probably the cause: .*made can't be written/,
    );
    assert.ok(made);
    assert.match(
      outputs[0]!,
      /^Exit code: 1\n[\s\S]*first\n[\s\S]*Read-only file system[\s\S]*\nNote: The sandbox[\s\S]*again outside[\s\S]*\nExit code: 0\n[\s\S]*first\n$/,
    );
    assert.deepEqual([count("exec_command_begin"), count("exec_command_end")], [2, 2]);
    const ends = talk.events.flatMap(({ msg }) => (msg.type === "exec_command_end" ? [msg.exit_code] : []));
    assert.deepEqual(ends, [1, 0]);
  }
});

test("declined it does not, approved for the session it is not asked again", WALLED, async (t) => {
  const declined = await runConfined(t, { policy: "on-request", answer: "denied" });
  assert.deepEqual([declined.made, declined.count("exec_command_begin")], [false, 1]);
  assert.match(declined.outputs[0]!, /^Exit code: 1\n[\s\S]*Note: The sandbox[\s\S]*declined\.$/);
  const always = await runConfined(t, { policy: "on-request", answer: "approved_for_session", calls: 2 });
  assert.equal(always.count("exec_approval_request"), 1);
  assert.match(always.outputs[1]!, /^Exit code: 0\n/);
});

test("under never nobody is asked, but the model is told", WALLED, async (t) => {
  const { outputs, count, made } = await runConfined(t, { policy: "never" });
  assert.deepEqual([count("exec_approval_request"), made], [0, false]);
  assert.match(
    outputs[0]!,
    /\nNote: The sandbox \(read-only\) was probably the cause: .*made can't be written in the sandbox\.$/,
  );
});

test("an ordinary failure is neither offered nor called a denial", WALLED, async (t) => {
  const args = { cmd: "echo 'Read-only file system'; ls /no/such/folder; exit 3", login: false };
  const { outputs, count } = await runConfined(t, { policy: "on-failure", args });
  assert.equal(count("exec_approval_request"), 0);
  assert.match(outputs[0]!, /^Exit code: 3\n/);
  assert.doesNotMatch(outputs[0]!, /Note/);
});

test("an interrupt while it is offered: the call is cut, its output so far is kept", WALLED, async (t) => {
  const { end, count, made } = await runConfined(t, { policy: "on-request", answer: "interrupt" });
  assert.equal(end.type, "turn_aborted");
  assert.ok(end.type === "turn_aborted");
  assert.deepEqual(
    end.calls?.map(({ outcome }) => outcome),
    ["cut"],
  );
  assert.deepEqual(
    end.processes?.map(({ outcome, exit_code }) => [outcome, exit_code]),
    [["exited", 1]],
  );
  assert.deepEqual([count("exec_command_begin"), made], [1, false]);
});
