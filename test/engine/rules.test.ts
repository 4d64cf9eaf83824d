import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, test } from "node:test";
import type { Config } from "../../src/config/index.js";
import { decideCommand } from "../../src/engine/tools/decision.js";
import type { EventOf, ReviewDecision, SandboxPolicy } from "../../src/protocol/index.js";
import { call, type ModelServer, type Step, text } from "../support/model-server.js";
import { openTalk, type Talk } from "../support/talk.js";
import { WALLED } from "../support/walls.js";

const FULL: SandboxPolicy = { mode: "danger-full-access" };
const ALWAYS = (...words: string[]): ReviewDecision => ({
  approved_execpolicy_amendment: { proposed_execpolicy_amendment: words },
});

/** A conversation in which commands run one by one, each in a turn of its own. */
interface Desk {
  readonly talk: Talk;
  readonly server: ModelServer;
  /** Output for the model, and the question that was asked, if any, answered by `answer` ("denied" when not given). */
  run(
    step: Step,
    answer?: ReviewDecision,
  ): Promise<{ output: string; asked: EventOf<"exec_approval_request"> | undefined }>;
  rules(toml: string): void;
}

async function withDesk(overrides: Partial<Config>, work: (desk: Desk) => Promise<void>): Promise<void> {
  const { server, talk } = await openTalk(overrides);
  let count = 0;
  const unsubscribe = talk.conversation.subscribe(({ msg }) => {
    if (msg.type !== "exec_approval_request") return;
    talk.conversation.submit({ type: "exec_approval", id: msg.call_id, decision: decision });
  });
  let decision: ReviewDecision = "denied";
  const run: Desk["run"] = async (step, answer = "denied") => {
    decision = answer;
    count += 1;
    server.enqueue(step, text("ok"));
    const before = talk.events.length;
    await talk.end(talk.say(`turn ${count}`));
    const asked = talk.events.slice(before).find(({ msg }) => msg.type === "exec_approval_request")?.msg;
    const outputs = server.requests.at(-1)!.input.filter((item) => item.type === "function_call_output");
    return { output: String(outputs.at(-1)?.output), asked: asked as EventOf<"exec_approval_request"> | undefined };
  };
  const rules = (toml: string) => writeFileSync(join(talk.home, "rules.toml"), toml);
  try {
    await work({ talk, server, run, rules });
  } finally {
    unsubscribe();
    await talk.close();
    await server.close();
  }
}

const script = (cmd: string, more: object = {}) => call("exec_command", { cmd, login: false, ...more });
const program = (...command: string[]) => call("shell", { command });
const ALLOW_TOUCH = '[[rule]]\nprefix = ["touch"]\ndecision = "allow"\n';
const notices = (talk: Talk) =>
  talk.events.flatMap(({ msg }) => (msg.type === "background_event" ? [msg.message] : []));

test("the decision table of verdicts", () => {
  const policies = ["untrusted", "on-failure", "on-request", "never"] as const;
  const workspace: SandboxPolicy = {
    mode: "workspace-write",
    ...{ writable_roots: [], network_access: true, exclude_tmpdir_env_var: false, exclude_slash_tmp: false },
  };
  const decide = (kind: "forbid" | "ask" | "allow" | "safe" | "none", more: object = {}) =>
    policies.map((approvalPolicy) =>
      ([{ mode: "read-only" }, workspace, FULL] as const).map((sandboxPolicy) => {
        const verdict = { kind, walled: false, reason: "because" };
        const known = { granted: false, escalated: false, unconfinable: undefined, verdict, ...more };
        const decision = decideCommand({ approvalPolicy, sandboxPolicy }, known);
        return decision.kind === "confine" ? decision.policy.mode : decision.kind;
      }),
    );
  const all = (word: string) => policies.map(() => [word, word, word]);
  assert.deepEqual(decide("forbid"), all("refuse"));
  assert.deepEqual(decide("forbid", { granted: true }), all("refuse"));
  assert.deepEqual(decide("allow"), all("run"));
  assert.deepEqual(decide("allow", { unconfinable: "no walls" }), all("run"));
  assert.deepEqual(decide("ask"), [...all("ask").slice(1), ["refuse", "refuse", "refuse"]]);
  assert.deepEqual(decide("ask", { granted: true }), all("run"));
  const rest = [
    ["read-only", "workspace-write", "run"],
    ["read-only", "workspace-write", "run"],
    ["read-only", "workspace-write", "run"],
  ];
  assert.deepEqual(decide("none"), [["ask", "ask", "ask"], ...rest]);
  assert.deepEqual(decide("safe"), [["read-only", "read-only", "read-only"], ...rest]);
  assert.deepEqual(decide("safe", { escalated: true })[0], ["ask", "ask", "ask"]);
  assert.deepEqual(decide("safe", { unconfinable: "no walls" })[0], ["ask", "ask", "run"]);
  const walled = { verdict: { kind: "safe", walled: true, reason: "" }, unconfinable: "no walls" };
  assert.deepEqual(decide("safe", walled)[0], ["ask", "ask", "ask"]);
});

describe("rules", { concurrency: 2 }, () => {
  test("what is forbidden does not run in any policy, nor when it was approved before", async () => {
    await withDesk({ approvalPolicy: "untrusted", sandboxPolicy: FULL }, async ({ talk, run, rules }) => {
      await run(script("touch made"), "approved_for_session");
      assert.ok(existsSync(join(talk.cwd, "made")));
      rules('[[rule]]\nprefix = ["touch"]\ndecision = "forbid"\nreason = "no touching"\n');
      for (const step of [
        script("touch made2"),
        script("touch made"),
        program("touch", "made2"),
        script("x=1; touch made2"),
      ]) {
        const { output, asked } = await run(step, "approved");
        assert.match(output, /^the command was not run: .*rules\.toml:1 \(no touching\) forbids touch made/);
        assert.equal(asked, undefined);
      }
      assert.ok(!existsSync(join(talk.cwd, "made2")));
      const told = talk.events.findLast(({ msg }) => msg.type === "background_event")?.msg;
      assert.equal(told?.type === "background_event" && told.call?.status, "declined");
    });
  });

  test("what is allowed runs unasked and with full access; a mix with anything else does not", async () => {
    const sandboxPolicy: SandboxPolicy = { mode: "read-only" };
    await withDesk({ approvalPolicy: "untrusted", sandboxPolicy }, async ({ talk, run, rules }) => {
      rules(ALLOW_TOUCH);
      const made = (name: string) => existsSync(join(talk.cwd, name));
      assert.equal((await run(script("touch a"))).asked, undefined);
      assert.equal((await run(script("pwd && touch b"))).asked, undefined);
      for (const cmd of ["touch c; mkdir d", "touch c > log", "touch $(echo c)", "touch c && git status"])
        assert.notEqual((await run(script(cmd))).asked, undefined, cmd);
      assert.deepEqual(["a", "b", "c", "d"].map(made), [true, true, false, false]);
    });
  });

  test("what a rule wants asked about is asked, with its reason, and refused where nobody may be asked", async () => {
    const toml = '[[rule]]\nprefix = ["touch"]\ndecision = "ask"\nreason = "look first"\n';
    await withDesk({ approvalPolicy: "on-request", sandboxPolicy: FULL }, async ({ talk, run, rules }) => {
      rules(toml);
      const { asked } = await run(script("touch a"), "approved");
      assert.match(asked?.reason ?? "", /rules\.toml:1 \(look first\) wants touch a asked about/);
      // Allowing it would change nothing: the stricter rule wins.
      assert.equal(asked?.proposed_execpolicy_amendment, undefined);
      assert.ok(existsSync(join(talk.cwd, "a")));
    });
    await withDesk({ approvalPolicy: "never", sandboxPolicy: FULL }, async ({ talk, run, rules }) => {
      rules(toml);
      const { output, asked } = await run(script("touch a"));
      assert.equal(asked, undefined);
      assert.match(output, /not run: .*look first.*approval policy "never" forbids asking/);
      assert.ok(!existsSync(join(talk.cwd, "a")));
    });
  });

  test("mistakes in a rules file are told once; the rest holds", async () => {
    await withDesk({ approvalPolicy: "untrusted", sandboxPolicy: FULL }, async ({ talk, run, rules }) => {
      rules(`${ALLOW_TOUCH}\n[[rule]]\nprefix = ["mkdir"]\ndecision = "alow"\n`);
      assert.equal((await run(script("touch a"))).asked, undefined);
      assert.notEqual((await run(script("mkdir d"))).asked, undefined);
      const told = notices(talk).filter((message) => message.includes("rules.toml"));
      assert.equal(told.length, 1);
      assert.match(told[0]!, /rules\.toml:7: decision: "alow" is none/);
      // One that can't be read may have been a prohibition: nothing is allowed any more.
      rules(`${ALLOW_TOUCH}\n[[rule]]\ndecision = "forbid"\n`);
      const { asked } = await run(script("touch b"));
      assert.match(asked?.reason ?? "", /rules can't be trusted to be complete: .*rules\.toml:5: prefix: is missing/);
      writeFileSync(join(talk.home, "rules.toml"), Buffer.from([0xff, 0xfe]));
      assert.notEqual((await run(script("touch b"))).asked, undefined);
      assert.match(
        notices(talk).join("\n"),
        /rules\.toml: is not UTF-8 text; until it can be read, nothing is allowed/,
      );
    });
  });

  test("a trusted project's rules hold beside the user's", async () => {
    const projectFiles: { path: string; text: string }[] = [];
    await withDesk({ approvalPolicy: "untrusted", sandboxPolicy: FULL, projectFiles }, async ({ talk, run, rules }) => {
      const forbids = '\n[[rule]]\nprefix = ["mkdir"]\ndecision = "forbid"\n';
      projectFiles.push({ path: join(talk.cwd, ".belay", "rules.toml"), text: ALLOW_TOUCH + forbids });
      rules('[[rule]]\nprefix = ["mkdir"]\ndecision = "allow"\n');
      assert.equal((await run(script("touch a"))).asked, undefined);
      assert.match((await run(script("mkdir d"))).output, /\.belay\/rules\.toml:5 forbids mkdir d/);
      assert.notEqual((await run(script("cd / && touch /nowhere/a"))).asked, undefined);
    });
  });

  test("a project's file counts for nothing by lying there", async () => {
    await withDesk({ approvalPolicy: "untrusted", sandboxPolicy: FULL }, async ({ talk, run }) => {
      mkdirSync(join(talk.cwd, ".belay"));
      writeFileSync(join(talk.cwd, ".belay", "rules.toml"), ALLOW_TOUCH);
      writeFileSync(join(talk.cwd, "rules.toml"), ALLOW_TOUCH);
      assert.notEqual((await run(script("touch a"))).asked, undefined);
    });
  });
});

describe("always", { concurrency: 2 }, () => {
  test("keeps the proposed rule for good: not asked again, in any spelling, also by others, but in no other folder", async () => {
    const overrides: Partial<Config> = { approvalPolicy: "untrusted", sandboxPolicy: FULL };
    await withDesk(overrides, async ({ talk, run, rules }) => {
      rules("# mine\n");
      mkdirSync(join(talk.cwd, "sub"));
      symlinkSync("sub", join(talk.cwd, "link"));
      writeFileSync(join(talk.cwd, "Makefile"), "test:\n\t@touch $(or $(OUT),made)\n");
      const { asked } = await run(script("make test"), ALWAYS("make", "test"));
      assert.deepEqual(asked?.proposed_execpolicy_amendment, ["make", "test"]);
      assert.ok(existsSync(join(talk.cwd, "made")));
      const file = readFileSync(join(talk.home, "rules.toml"), "utf8");
      assert.match(
        file,
        /^# mine\n\n# From an approval: always\.\n\[\[rule\]\]\nprefix = \["make", "test"\]\ndecision = "allow"\ncwd = "/,
      );
      const again: Step[] = [
        script("make test"),
        program("make", "test"),
        program("bash", "-lc", "make test"),
        script("  make  'test' OUT=b"),
        script(`cd ${talk.cwd} && make test`),
        script("cd sub && cd .. && make test"),
        script("make test", { workdir: "./" }),
        script("make test", { workdir: "sub/.." }),
        script("cd .. && make test", { workdir: "link" }),
      ];
      for (const step of again) assert.equal((await run(step)).asked, undefined, JSON.stringify(step));
      for (const cmd of ["cd sub && make test", "make", "make other", "make test && mkdir d"])
        assert.notEqual((await run(script(cmd))).asked, undefined, cmd);
      await withDesk({ ...overrides, home: talk.home, cwd: talk.cwd }, async (other) => {
        assert.equal((await other.run(script("make test"))).asked, undefined);
      });
      await withDesk({ ...overrides, home: talk.home }, async (elsewhere) => {
        assert.notEqual((await elsewhere.run(script("make test"))).asked, undefined);
      });
    });
  });

  test("writes no rule but the proposed one; the command is approved for the session", async () => {
    await withDesk({ approvalPolicy: "untrusted", sandboxPolicy: FULL }, async ({ talk, run }) => {
      const { asked } = await run(script("touch a"), ALWAYS("touch"));
      assert.deepEqual(asked?.proposed_execpolicy_amendment, ["touch", "a"]);
      assert.ok(existsSync(join(talk.cwd, "a")));
      assert.equal(existsSync(join(talk.home, "rules.toml")), false);
      assert.match(notices(talk).at(-1)!, /no rule was kept: \["touch"\] is not what was proposed/);
      assert.equal((await run(script("touch a"))).asked, undefined);
      const opaque = await run(script("touch b > log"), ALWAYS("touch", "b"));
      assert.equal(opaque.asked?.proposed_execpolicy_amendment, undefined);
      assert.match(notices(talk).at(-1)!, /no rule was kept: \["touch","b"\] is not what was proposed/);
      assert.ok(existsSync(join(talk.cwd, "log")));
      assert.equal(existsSync(join(talk.home, "rules.toml")), false);
    });
  });

  test("says so when the rule can't be written, and still does not ask again", async () => {
    await withDesk({ approvalPolicy: "untrusted", sandboxPolicy: FULL }, async ({ talk, run, rules }) => {
      rules("x = [\n");
      await run(script("touch a"), ALWAYS("touch", "a"));
      assert.match(
        notices(talk).at(-1)!,
        /no rule was kept: mend .*rules\.toml first: .*rules\.toml:\d: .*approved for this session/,
      );
      assert.ok(existsSync(join(talk.cwd, "a")));
      assert.equal((await run(script("touch a"))).asked, undefined);
    });
  });
});

test("what was approved for the session is the same command in the same folder, however it is spelled", async () => {
  await withDesk({ approvalPolicy: "untrusted", sandboxPolicy: FULL }, async ({ talk, run }) => {
    mkdirSync(join(talk.cwd, "sub"));
    symlinkSync(".", join(talk.cwd, "self"));
    const same: readonly (readonly [Step, readonly Step[]])[] = [
      [
        script("touch a; mkdir -p d"),
        [
          script(" touch  'a' ;mkdir -p d\n"),
          script("cd self && touch a; mkdir -p d"),
          program("bash", "-lc", "touch a; mkdir -p d"),
          script("touch a; mkdir -p d", { workdir: "self/" }),
          script(`cd '${talk.cwd}/sub/..' && touch a; mkdir -p d`),
        ],
      ],
      [
        script("touch b > log"),
        [script("cd ./ && touch b > log"), script("touch b > log", { workdir: "self" }), script("  touch b > log ")],
      ],
    ];
    for (const [first, others] of same) {
      assert.notEqual((await run(first, "approved_for_session")).asked, undefined);
      for (const step of others) assert.equal((await run(step)).asked, undefined, JSON.stringify(step));
    }
    for (const step of [
      script("touch a; mkdir -p d", { workdir: "sub" }),
      script("cd sub && touch a; mkdir -p d"),
      script("touch a && mkdir -p d"),
      script("touch a; mkdir -p d; true x"),
      script("touch b >> log"),
      script("cd sub && touch b > log"),
    ])
      assert.notEqual((await run(step)).asked, undefined, JSON.stringify(step));
  });
});

describe("untrusted", { concurrency: 2 }, () => {
  test(
    "safe commands run unasked within the walls of read-only, in every mode (needs bubblewrap)",
    WALLED,
    async () => {
      for (const sandboxPolicy of [FULL, { mode: "read-only" }] satisfies SandboxPolicy[]) {
        await withDesk({ approvalPolicy: "untrusted", sandboxPolicy }, async ({ talk, run }) => {
          writeFileSync(join(talk.cwd, "in.txt"), "content\n");
          const { output, asked } = await run(script("cat in.txt | head -n 1; pwd"));
          assert.equal(asked, undefined);
          assert.match(output, /^Exit code: 0[\s\S]*content\n/);
          assert.notEqual(
            (await run(script("cat in.txt", { sandbox_permissions: "require_escalated" }))).asked,
            undefined,
          );
        });
      }
    },
  );

  test("a hostile repository's settings run nothing outside of the walls (needs bubblewrap)", WALLED, async () => {
    await withDesk({ approvalPolicy: "untrusted", sandboxPolicy: FULL }, async ({ talk, run }) => {
      const marker = join(talk.home, "ran");
      const evil = join(talk.cwd, "evil.sh");
      writeFileSync(evil, `#!/bin/sh\necho ran >> ${marker}\necho ran >> ${talk.cwd}/ran\ncat "$@" 2>/dev/null\n`);
      chmodSync(evil, 0o755);
      const git = (...args: string[]) =>
        execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: talk.cwd, stdio: "ignore" });
      git("init", "-q", "--template=");
      writeFileSync(join(talk.cwd, "f.x"), "one\n");
      writeFileSync(join(talk.cwd, ".gitattributes"), "*.x diff=evil filter=evil\n");
      git("add", "f.x", ".gitattributes");
      git("commit", "-qm", "first");
      writeFileSync(join(talk.cwd, "f.x"), "two\n");
      appendFileSync(
        join(talk.cwd, ".git", "config"),
        `[core]\n\tfsmonitor = ${evil}\n\tpager = ${evil}\n[diff]\n\texternal = ${evil}\n[diff "evil"]\n\ttextconv = ${evil}\n\tcommand = ${evil}\n[filter "evil"]\n\tclean = ${evil}\n[pager]\n\tstatus = ${evil}\n\tlog = ${evil}\n[log]\n\tshowSignature = true\n[gpg]\n\tprogram = ${evil}\n`,
      );
      for (const cmd of ["git status", "git diff", "git log -p", "git show", "git blame f.x", "git ls-files -m"]) {
        const { asked, output } = await run(script(cmd));
        assert.equal(asked, undefined, cmd);
        assert.match(output, /^Exit code: /, cmd);
      }
      assert.deepEqual([marker, join(talk.cwd, "ran")].map(existsSync), [false, false]);
    });
  });

  test("where nothing can be confined, git is asked about, and what PATH takes from the project", async () => {
    const bare = { HOME: "/", SHELL: "/bin/sh" };
    const commandEnv = { ...bare, PATH: "/nowhere" };
    await withDesk({ approvalPolicy: "untrusted", sandboxPolicy: FULL, commandEnv }, async ({ run }) => {
      assert.equal((await run(script("echo safe"))).asked, undefined);
      assert.match((await run(script("git status"))).asked?.reason ?? "", /may make it run other programs/);
    });
    for (const path of [".", "", "node_modules/.bin"]) {
      const hostile = { ...bare, PATH: ["/nowhere", path].join(delimiter) };
      await withDesk({ approvalPolicy: "untrusted", sandboxPolicy: FULL, commandEnv: hostile }, async ({ run }) => {
        assert.notEqual((await run(script("ls"))).asked, undefined, path);
      });
    }
    await withDesk(
      { approvalPolicy: "untrusted", sandboxPolicy: { mode: "read-only" }, commandEnv },
      async ({ run }) => {
        assert.match((await run(script("echo safe"))).asked?.reason ?? "", /read-only can't be kept here/);
      },
    );
  });
});
