import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { test } from "node:test";
import { shellQuote } from "../../src/base/index.js";
import { text } from "../support/model-server.js";
import { openScene, PROGRAM, type Scene } from "../support/program.js";
import { WALLED } from "../support/walls.js";

const MODES = ["read-only", "workspace-write", "danger-full-access"];
/** A program that outlives signals, and one of its own session. */
const DEAF = "setsid sleep 300 & trap '' TERM INT; echo ready; while :; do sleep 1; done";

function within(mode: string, ...argv: string[]): string[] {
  return ["sandbox", "-s", mode, "--", ...argv];
}

/** A folder of programs for PATH that can't make sandboxes. */
function brokenPath({ place }: Scene): string {
  const folder = join(place.home, "shims");
  mkdirSync(folder);
  for (const name of ["bwrap", "unshare", "setpriv"])
    writeFileSync(join(folder, name), "#!/bin/sh\necho no namespaces here >&2\nexit 1\n", { mode: 0o755 });
  return `${folder}:${place.env.PATH}`;
}

test("sandbox: the command's own streams and exit code, in every mode", WALLED, async (t) => {
  const scene = await openScene(t);
  const all = Uint8Array.from({ length: 256 }, (_, at) => at);
  const script = "cat; echo err >&2; exit 7";
  const runs = await Promise.all(
    MODES.map((mode) => scene.run(within(mode, "sh", "-c", script), { stdin: Buffer.from(all).toString("latin1") })),
  );
  for (const { code, stdout, stderr } of runs) {
    assert.deepEqual([code, stdout, stderr], [7, Buffer.from(all).toString("latin1"), "err\n"]);
  }
  const killed = await scene.run(within("read-only", "sh", "-c", "kill -KILL $$"));
  assert.equal(killed.code, 137);
  const written = await scene.run(within("read-only", "touch", "new"));
  assert.match(written.stderr, /Read-only file system/);
  const folder = await scene.run(["sandbox", "-s", "workspace-write", "-C", "..", "sh", "-c", "pwd; echo x > new"], {
    cwd: join(scene.place.dir, ".git"),
  });
  assert.deepEqual(
    [folder.code, folder.stdout, existsSync(join(scene.place.dir, "new"))],
    [0, `${scene.place.dir}\n`, true],
  );
});

test("sandbox: what was not run has a code of its own", WALLED, async (t) => {
  const scene = await openScene(t);
  scene.place.write("plain", "");
  const loop = join(scene.place.home, "loop");
  symlinkSync(loop, loop);
  const roots = (path: string) => ["-c", `sandbox_workspace_write.writable_roots=[${JSON.stringify(path)}]`];
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [["sandbox", "--", "no-such-program"], 127, /no-such-program: not found on PATH/],
    [["sandbox", "--", "./plain"], 126, /permission denied/],
    [["sandbox"], 2, /missing required argument/],
    [["sandbox", "-s", "other", "true"], 2, /Allowed choices/],
    [["sandbox", "-C", "missing", "true"], 2, /missing/],
    [["sandbox", "-c", "sandbox_mode=1", "true"], 2, /sandbox_mode/],
    [["sandbox", "-s", "workspace-write", ...roots("/no/such/folder"), "true"], 125, /no\/such\/folder does not exist/],
    [["sandbox", "-s", "workspace-write", ...roots(join(scene.place.dir, "plain")), "true"], 125, /is not a folder/],
    [["sandbox", "-s", "workspace-write", ...roots(loop), "true"], 125, /leads back to itself/],
  ];
  for (const [words, code, message] of cases) {
    const ended = await scene.run(words);
    assert.equal(ended.code, code, `${words.join(" ")}: ${ended.stderr}`);
    assert.match(ended.stderr, message);
    assert.equal(ended.stdout, "");
  }
});

test("sandbox: where a mode can't be kept nothing runs, and full access says what it lacks", async (t) => {
  const scene = await openScene(t);
  const env = { PATH: brokenPath(scene) };
  for (const mode of ["read-only", "workspace-write"]) {
    const { code, stdout, stderr } = await scene.run(within(mode, "echo", "ran"), { env });
    assert.deepEqual([code, stdout], [125, ""]);
    assert.match(stderr, new RegExp(`${mode} can't be kept on this machine: .*no namespaces here`));
  }
  const full = await scene.run(within("danger-full-access", "echo", "ran"), { env });
  assert.deepEqual([full.code, full.stdout], [0, "ran\n"]);
  assert.match(full.stderr, /may survive a stop/);
});

test("sandbox: SIGTERM and SIGINT give the command its grace, then end all of it", WALLED, async (t) => {
  const scene = await openScene(t);
  const polite = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done";
  for (const mode of ["read-only", "danger-full-access"]) {
    for (const [script, signal, code] of [
      [polite, "SIGTERM", 143],
      [DEAF, "SIGINT", 130],
    ] as const) {
      const program = scene.start(within(mode, "sh", "-c", script));
      await program.seen("ready");
      program.signal(signal);
      const ended = await program.ended;
      assert.equal(ended.code, code, ended.stderr);
      if (script === polite) assert.match(ended.stdout, /bye/);
      await scene.place.quiet();
    }
  }
});

test("sandbox: killed, it takes the command along; two signals leave at once", WALLED, async (t) => {
  const scene = await openScene(t);
  for (const mode of MODES) {
    const program = scene.start(within(mode, "sh", "-c", DEAF));
    await program.seen("ready");
    program.signal("SIGKILL");
    await program.ended;
    await scene.place.quiet();
  }
  const program = scene.start(within("workspace-write", "sh", "-c", DEAF));
  await program.seen("ready");
  program.signal("SIGTERM");
  program.signal("SIGHUP");
  assert.ok([143, 129].includes((await program.ended).code ?? 0));
  await scene.place.quiet();
});

test("sandbox: what a command leaves running ends with it, and that is told", WALLED, async (t) => {
  const scene = await openScene(t);
  const { code, stderr } = await scene.run(within("danger-full-access", "sh", "-c", "setsid sleep 300 & exit 4"));
  assert.equal(code, 4);
  assert.match(stderr, /left running were stopped/);
  await scene.place.quiet();
});

const script = spawnSync("script", ["-qec", "exit 3", "/dev/null"], { stdio: "ignore" }).status === 3;
const terminal = { skip: WALLED.skip ?? (script ? false : "needs script(1), which makes a terminal") };

test("sandbox: a terminal stays one, and Ctrl-C ends the command", terminal, async (t) => {
  const { place } = await openScene(t);
  const inTerminal = (mode: string, command: string) => {
    const line = [process.execPath, PROGRAM, ...within(mode, "sh", "-c", `'${command}'`)].join(" ");
    return spawn("script", ["-qec", line, "/dev/null"], {
      cwd: place.dir,
      env: place.env,
      stdio: ["pipe", "pipe", "inherit"],
    });
  };
  for (const mode of ["workspace-write", "danger-full-access"]) {
    const child = inTerminal(mode, "test -t 0 && test -t 1 && stty size >/dev/null && echo ready; sleep 300");
    let seen = "";
    await new Promise<void>((ready) => {
      child.stdout.on("data", (chunk) => {
        seen += String(chunk);
        if (seen.includes("ready")) ready();
      });
    });
    const exited = once(child, "exit");
    child.stdin.write("\x03");
    assert.deepEqual(await exited, [130, null]);
    await place.quiet();
  }
});

test("sandbox: without a filter of system calls the command can't type into our terminal", terminal, async (t) => {
  const { place } = await openScene(t);
  const few = join(place.home, "few");
  mkdirSync(few);
  for (const name of ["unshare", "setpriv", "sh", "cut"])
    writeFileSync(join(few, name), `#!/bin/sh\nPATH=/usr/bin:/bin exec ${name} "$@"\n`, { mode: 0o755 });
  // The seventh field is the terminal that a process belongs to, and may type into.
  const look = "test -t 0 && test -t 1 && cut -d ' ' -f 7 /proc/self/stat";
  const words = ["sandbox", "-s", "read-only", "-c", "allow_partial_sandbox=true", "--", "sh", "-c", look];
  const line = [process.execPath, PROGRAM, ...words].map(shellQuote).join(" ");
  const child = spawn("/bin/sh", ["-c", `exec "$(PATH=/usr/bin:/bin command -v script)" -qec "$0" /dev/null`, line], {
    cwd: place.dir,
    env: { ...place.env, PATH: few, SHELL: "/bin/sh" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const seen = await readAll(child.stdout);
  assert.match(seen, /not in their system calls[\s\S]*\r\n0\r\n$/);
});

test("exec --require-sandbox asks no model where the mode can't be kept", async (t) => {
  const scene = await openScene(t);
  const env = { PATH: brokenPath(scene) };
  for (const mode of MODES) {
    const { code, stderr, stdout } = await scene.run(["exec", "--require-sandbox", "-s", mode, "go"], { env });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, new RegExp(`--require-sandbox: sandbox mode ${mode} can't be kept .*\n.*no namespaces here`));
  }
  assert.equal(scene.server.requests.length, 0);
});

test("exec --require-sandbox goes on where it is kept, but not around it", WALLED, async (t) => {
  const scene = await openScene(t);
  scene.server.script(() => text("done"));
  for (const mode of MODES) assert.equal((await scene.run(["exec", "--require-sandbox", "-s", mode, "go"])).code, 0);
  const folder = brokenPath(scene);
  for (const name of ["unshare", "setpriv"]) rmSync(join(folder.split(":")[0]!, name));
  const partial = await scene.run(
    ["exec", "--require-sandbox", "-s", "read-only", "-c", "allow_partial_sandbox=true", "go"],
    {
      env: { PATH: folder },
    },
  );
  assert.equal(partial.code, 2);
  assert.match(partial.stderr, /confined by unshare, but not in their system calls/);
  const open = ["-c", "contain_full_access=false", "-s", "danger-full-access"];
  const { code, stderr } = await scene.run(["exec", "--require-sandbox", ...open, "go"]);
  assert.equal(code, 2);
  assert.match(stderr, /contain_full_access/);
  assert.equal(scene.server.requests.length, MODES.length);
});

test("a repository whose settings run programs makes Belay run none of them", async (t) => {
  const { place, server, run } = await openScene(t);
  const trap = join(place.home, "trap");
  place.write("trap.sh", `#!/bin/sh\necho "$0 $*" >> '${trap}'\n`);
  chmodSync(join(place.dir, "trap.sh"), 0o755);
  const program = join(place.dir, "trap.sh");
  const settings = ["core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.gitProxy", "diff.external"];
  for (const key of settings) spawnSync("git", ["config", key, program], { cwd: place.dir });
  spawnSync("git", ["config", "core.hooksPath", place.dir], { cwd: place.dir });
  spawnSync("git", ["config", "filter.x.clean", program], { cwd: place.dir });
  place.write(".gitattributes", "* filter=x diff=x\n");
  server.script(() => text("done"));
  assert.equal((await run(["exec", "go"])).code, 0);
  await run(["doctor"]);
  assert.equal(existsSync(trap), false);
  // The trap works: git itself falls into it.
  spawnSync("git", ["status"], { cwd: place.dir });
  assert.equal(existsSync(trap), true);
});
