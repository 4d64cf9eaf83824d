import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { call, text } from "../support/model-server.js";
import { REAPED, RUNAWAYS, survivors } from "../support/runaways.js";
import { openTalk } from "../support/talk.js";

async function open(t: TestContext, mark: string) {
  const { server, talk } = await openTalk({ containFullAccess: false });
  t.after(async () => {
    for (const pid of survivors(mark)) process.kill(Number(pid), "SIGKILL");
    await talk.close();
    await server.close();
  });
  return { server, talk };
}

describe("without a namespace", { concurrency: 2 }, () => {
  for (const [at, [name, argv]] of Object.entries(RUNAWAYS).entries()) {
    test(`${name}: dead after a stop, and named as such in the receipt`, REAPED, async (t) => {
      const mark = `86403.${process.pid}${at}`;
      const { server, talk } = await open(t, mark);
      server.enqueue(call("shell", { command: argv.map((part) => part.replaceAll("%", mark)) }), text("done"));
      const turn = talk.say("go");
      await talk.until("exec_command_output_delta");
      while (survivors(mark).length === 0) await new Promise((done) => setTimeout(done, 5));
      talk.conversation.submit({ type: "interrupt" });
      const end = await talk.end(turn);
      assert.ok(end.type === "turn_aborted");
      assert.deepEqual(
        end.processes?.map(({ outcome }) => outcome),
        ["killed"],
      );
      assert.deepEqual(survivors(mark), []);
    });
  }

  test("a command that kills its reaper is in the receipt, for what nobody finds any more", REAPED, async (t) => {
    const mark = `86404.${process.pid}`;
    const { server, talk } = await open(t, mark);
    const daemon = `(cd /; env -i /usr/bin/setsid sleep ${mark} >/dev/null 2>&1 &)`;
    const script = `${daemon}; until pgrep -f 'sleep ${mark}' >/dev/null; do :; done; kill -9 $PPID; sleep 60`;
    server.enqueue(
      call("shell", { command: ["sh", "-c", script] }),
      call("shell", { command: ["sh", "-c", "echo; sleep 60"] }),
      text("done"),
    );
    const turn = talk.say("go");
    await talk.until("exec_command_output_delta");
    talk.conversation.submit({ type: "interrupt" });
    const end = await talk.end(turn);
    assert.ok(end.type === "turn_aborted");
    assert.deepEqual(
      end.processes?.map(({ outcome }) => outcome),
      ["may_survive", "killed"],
    );
    assert.equal(survivors(mark).length, 1);
  });
});
