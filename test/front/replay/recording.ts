import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  call,
  customCall,
  partial,
  reasoning,
  stall,
  startModelServer,
  status,
  text,
  usage,
} from "../../support/model-server.js";
import { scratch, startTalk } from "../../support/talk.js";

/** A conversation as it was recorded, with the provider that answered in it gone. */
export interface Recording {
  readonly home: string;
  /** The folder as it is now. */
  readonly cwd: string;
  /** The folder as it was before. */
  readonly before: string;
  dispose(): Promise<void>;
}

const PATCH =
  "*** Begin Patch\n*** Update File: notes.txt\n@@\n one\n-two\n+zwei\n*** Add File: sub/new.txt\n+new\n*** End Patch";

/**
 * Eleven turns against a scripted model: text and reasoning, commands beside each other and a patch, input while it runs, a summary in
 * the middle and one that is asked for, a failing provider, a turn that is stopped in a command, one in an answer, one that a
 * summary replaces.
 */
export async function recordConversation(): Promise<Recording> {
  const server = await startModelServer();
  const before = scratch();
  const talk = startTalk(server.provider(), { autoCompactTokenLimit: 50_000 });
  const run = (said: string) => talk.end(talk.say(said));
  writeFileSync(join(talk.cwd, "notes.txt"), "one\ntwo\n");
  cpSync(talk.cwd, before.path, { recursive: true });

  server.enqueue(
    [
      reasoning({ summary: "hm" }),
      text("I look."),
      call("exec_command", { cmd: "cat notes.txt; pwd", workdir: talk.cwd }, "look"),
    ],
    [call("exec_command", { cmd: "ls *.txt" }, "a"), call("exec_command", { cmd: "seq 9000" }, "b")],
    text("Seen."),
  );
  await run("look at it");

  server.enqueue(
    [call("apply_patch", { input: PATCH }, "patch"), call("no_such_tool", { x: 1 }, "odd")],
    text("Patched."),
  );
  await run("change it");

  // What is typed while the command runs is taken up behind it.
  server.enqueue(
    call("exec_command", { cmd: "until [ -e go ]; do sleep 0.01; done; cat sub/new.txt" }, "wait"),
    text("Both."),
  );
  const steered = talk.say("wait");
  await talk.until("exec_command_begin", (msg) => msg.call_id === "wait");
  talk.say("and this too");
  await talk.answer(talk.conversation.submit({ type: "list_mcp_tools" }));
  writeFileSync(join(talk.cwd, "go"), "");
  await talk.end(steered);
  writeFileSync(join(before.path, "go"), "");

  // The first answer fills the window: the next request is one for a summary.
  server.enqueue(
    [call("exec_command", { cmd: "cat notes.txt" }, "full"), usage({ input: 60_000 })],
    text("We did much."),
    text("On we go."),
  );
  await run("a lot");

  server.enqueue(text("A summary of it all."));
  await talk.end(talk.conversation.submit({ type: "compact" }));

  server.enqueue(status(400, { error: { message: "no" } }));
  await run("this fails");

  server.enqueue([
    text("I sleep."),
    call("exec_command", { cmd: "echo first; sleep 100" }, "cut"),
    call("exec_command", { cmd: "touch never" }, "never"),
  ]);
  const stopped = talk.say("sleep");
  await talk.until("exec_command_output_delta", (msg) => msg.call_id === "cut");
  await talk.conversation.interrupt();
  await talk.end(stopped);

  server.enqueue([partial("Half an ans"), stall()]);
  const halved = talk.say("say");
  await talk.until("agent_message_delta", (msg) => msg.delta.includes("Half"));
  await talk.conversation.interrupt();
  await talk.end(halved);

  server.enqueue(
    [customCall("apply_patch", "nonsense", "bad"), call("exec_command", { cmd: "sleep 100" }, "replaced")],
    text("In short."),
  );
  const replaced = talk.say("once more");
  await talk.until("exec_command_begin", (msg) => msg.call_id === "replaced");
  const summary = talk.conversation.submit({ type: "compact" });
  await talk.end(replaced);
  await talk.end(summary);

  server.enqueue(text("The end."));
  await run("bye");
  await talk.conversation.close();
  await server.close();
  return {
    home: talk.home,
    cwd: talk.cwd,
    before: before.path,
    dispose: async () => {
      await talk.close();
      before.dispose();
    },
  };
}
