import assert from "node:assert/strict";
import { test } from "node:test";
import type { SandboxPolicy } from "../../src/protocol/index.js";
import { call, text } from "../support/model-server.js";
import { openTalk } from "../support/talk.js";
import { WALLED } from "../support/walls.js";

const WORKSPACE: SandboxPolicy = {
  mode: "workspace-write",
  writable_roots: [],
  network_access: false,
  exclude_slash_tmp: true,
  exclude_tmpdir_env_var: true,
};

test(
  "what no mount could guard is told to the user and to the model, of commands and of terminals",
  WALLED,
  async (t) => {
    const { server, talk } = await openTalk({ approvalPolicy: "never", sandboxPolicy: WORKSPACE });
    t.after(async () => {
      await talk.close();
      await server.close();
    });
    const make = (name: string) => ({ cmd: `mkdir ${name}`, login: false });
    server.enqueue(
      call("exec_command", make(".vscode")),
      call("exec_command", { ...make(".idea"), yield_time_ms: 30_000 }),
      call("exec_command", make("src")),
      text("ok"),
    );
    await talk.end(talk.say("go"));
    const outputs = server.requests.slice(1).map((request, at) => request.outputOf(`call_${at}_0`) ?? "");
    const told = talk.events.flatMap(({ msg }) => (msg.type === "background_event" ? [msg.message] : []));
    for (const [at, name] of [".vscode", ".idea"].entries()) {
      assert.match(
        outputs[at]!,
        new RegExp(`Note: while the command ran, these came into being .*/\\${name}\\. The user was told`),
      );
      assert.match(told[at]!, new RegExp(`came into being .*/\\${name}\\. Look at them before you trust this folder`));
    }
    assert.deepEqual([told.length, outputs[2]?.includes("Note")], [2, false]);
  },
);
