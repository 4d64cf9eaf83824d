import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { call, text } from "../support/model-server.js";
import { RUNAWAYS, survivors } from "../support/runaways.js";
import { openTalk } from "../support/talk.js";

/** Neither a session nor an environment nor parents lead to it: nobody can find it without a namespace. */
const LOST = "a daemon by the book";

describe("without a namespace", { concurrency: 2 }, () => {
  for (const [at, [name, argv]] of Object.entries(RUNAWAYS).entries()) {
    test(`${name}: what may survive a stop is in the receipt, and what can be found is dead`, async (t) => {
      const mark = `86403.${process.pid}${at}`;
      const { server, talk } = await openTalk({ containFullAccess: false });
      t.after(async () => {
        for (const pid of survivors(mark)) process.kill(Number(pid), "SIGKILL");
        await talk.close();
        await server.close();
      });
      server.enqueue(call("shell", { command: argv.map((part) => part.replaceAll("%", mark)) }), text("done"));
      const turn = talk.say("go");
      await talk.until("exec_command_output_delta");
      while (survivors(mark).length === 0) await new Promise((done) => setTimeout(done, 5));
      talk.conversation.submit({ type: "interrupt" });
      const end = await talk.end(turn);
      assert.ok(end.type === "turn_aborted");
      assert.deepEqual(
        end.processes?.map(({ outcome }) => outcome),
        ["may_survive"],
      );
      assert.equal(survivors(mark).length > 0, name === LOST);
    });
  }
});
