import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import type { LevelReport } from "../../src/protocol/index.js";
import { USERS, type User } from "../sandbox/jobs.js";
import { PROGRAM } from "../support/program.js";
import { REAPED } from "../support/runaways.js";
import { WALLED } from "../support/walls.js";

interface Finding {
  readonly id: string;
  readonly status: string;
  readonly text: string;
  readonly fix: readonly string[];
}

interface Doctored {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly levels: readonly string[];
  find(id: string): Finding;
}

interface Circumstances {
  readonly user?: User | undefined;
  /** What goes before the program. */
  readonly inside?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly words?: readonly string[];
}

/** A copy of the program, a home and a repository, where every user can go. */
function clinic(t: TestContext) {
  const base = mkdtempSync("/var/tmp/belay-doctor-");
  t.after(() => rmSync(base, { recursive: true, force: true }));
  chmodSync(base, 0o755);
  const [home, work] = [join(base, "home"), join(base, "work")];
  for (const folder of [home, work, join(work, ".git")]) mkdirSync(folder);
  chmodSync(home, 0o777);
  const program = join(base, "dist", "belay.cjs");
  cpSync(dirname(PROGRAM), dirname(program), { recursive: true });
  const ask = async (given: Circumstances = {}): Promise<Doctored> => {
    const { inside = [], words = ["--json"], env = {}, user } = given;
    const argv = [...inside, process.execPath, program, "doctor", ...words];
    const ids = user?.id === undefined ? {} : { uid: user.id, gid: user.id };
    const path = `${dirname(process.execPath)}:${process.env.PATH}`;
    const child = spawn(argv[0]!, argv.slice(1), {
      cwd: work,
      env: { PATH: path, HOME: home, BELAY_HOME: home, OPENAI_API_KEY: "sk-very-secret", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...ids,
    });
    const ended = new Promise<number | null>((settle) => child.once("close", settle));
    const [code, stdout, stderr] = await Promise.all([ended, readAll(child.stdout), readAll(child.stderr)]);
    const report = words.includes("--json") && stdout !== "" ? JSON.parse(stdout) : { levels: [], findings: [] };
    assert.ok(!`${stdout}${stderr}`.includes("very-secret"));
    return {
      ...{ code, stdout, stderr },
      levels: (report.levels as LevelReport[]).map(({ level }) => level),
      find: (id) => {
        const found = (report.findings as Finding[]).find((finding) => finding.id === id);
        assert.ok(found !== undefined, `no finding ${id}: ${stdout}${stderr}`);
        return found;
      },
    };
  };
  const shims = (...names: string[]) => {
    const folder = mkdtempSync(join(base, "shims-"));
    chmodSync(folder, 0o755);
    for (const name of names)
      writeFileSync(join(folder, name), "#!/bin/sh\necho No permissions here >&2\nexit 1\n", { mode: 0o755 });
    return `${folder}:${process.env.PATH}`;
  };
  return { base, home, ask, shims };
}

for (const user of USERS) {
  test(`doctor as ${user.name}: all is there`, WALLED, async (t) => {
    const { ask } = clinic(t);
    const { code, levels, find, stderr, stdout } = await ask({ user });
    assert.deepEqual([code, stderr, levels], [0, "", ["walls", "walls", "cage"]], stdout);
    assert.match(find("user").text, user.name === "root" ? /^root/ : /unprivileged/);
    for (const id of ["home", "config", "key", "git", "bwrap", "network", "seccomp", "pid-namespace"])
      assert.equal(find(id).status, "ok", id);
    const people = await ask({ user, words: [] });
    assert.match(people.stdout, /ok +mode:read-only +commands are confined by bubblewrap\n/);
    assert.match(people.stdout, /nothing is missing\n$/);
  });
}

test("doctor without bubblewrap: says what to install, and full access is still contained", WALLED, async (t) => {
  const { ask, base } = clinic(t);
  const folder = join(base, "few");
  mkdirSync(folder);
  for (const name of ["unshare", "setpriv", "git", "sh", "mkfifo"])
    writeFileSync(join(folder, name), `#!/bin/sh\nPATH=/usr/bin:/bin exec ${name} "$@"\n`, { mode: 0o755 });
  const { code, levels, find } = await ask({ env: { PATH: folder } });
  assert.deepEqual([code, levels], [1, ["none", "none", "cage"]]);
  assert.deepEqual([find("bwrap").status, find("mode:read-only").status], ["missing", "missing"]);
  assert.match(find("mode:read-only").fix.join(), /apt-get install bubblewrap/);
  assert.equal(find("pid-namespace").status, "ok");
});

test("doctor where programs can't make namespaces: their complaint, and what to look at", async (t) => {
  const { ask, shims } = clinic(t);
  const { code, levels, find } = await ask({ env: { PATH: shims("bwrap", "unshare", "setpriv") } });
  assert.deepEqual([code, levels], [1, ["none", "none", "none"]]);
  assert.match(find("mode:workspace-write").fix.join(), /No permissions here.*max_user_namespaces/);
  assert.equal(find("pid-namespace").status, "missing");
  if (REAPED.skip === undefined)
    assert.match(find("mode:danger-full-access").text, /^full access, in no PID namespace; a stop ends all/);
});

test("doctor where the kernel allows no user namespaces", WALLED, async (t) => {
  const { ask } = clinic(t);
  // A user namespace in which no other can be made, and nobody has rights.
  const inside = [
    "bwrap",
    "--dev-bind",
    "/",
    "/",
    "--unshare-user",
    "--uid",
    "1000",
    "--gid",
    "1000",
    "--disable-userns",
  ];
  const { code, levels, find, stdout } = await ask({ inside });
  assert.deepEqual([code, levels], [1, ["none", "none", "none"]], stdout);
  assert.match(find("mode:read-only").fix.join(), /user namespaces may be forbidden here/);
  assert.match(find("user").text, /unprivileged user \(1000\)/);
});

test("doctor in a container where /proc can't be mounted: contained, and that is noted", WALLED, async (t) => {
  const { ask } = clinic(t);
  const covered = ["--proc", "/proc", "--tmpfs", "/proc/fs"];
  const inside = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--unshare-pid", ...covered];
  const { code, levels, find, stdout } = await ask({ inside, user: USERS.at(-1) });
  assert.deepEqual([code, levels], [0, ["walls", "walls", "cage"]], stdout);
  assert.equal(find("mode:read-only").status, "note");
  assert.match(find("mode:read-only").fix.join(), /\/proc can't be mounted here/);
});

test("doctor: settings, keys and the home folder", async (t) => {
  const { ask, home } = clinic(t);
  writeFileSync(join(home, "config.toml"), 'sandbox_mode = "other"\ncontain_full_access = 1\n');
  const wrong = await ask();
  assert.equal(wrong.code, 1);
  assert.match(wrong.find("config").text, /config\.toml.*sandbox_mode.*expected one of/);
  assert.ok(wrong.levels.length === 3, "the machine is looked at all the same");
  const provider = (url: string) =>
    `model_provider = "m"\n[model_providers.m]\nbase_url = "${url}"\nenv_key = "M_KEY"\nenv_key_instructions = "ask Ann"\n`;
  writeFileSync(join(home, "config.toml"), provider("http://127.0.0.1:9/v1"));
  const keyless = await ask();
  assert.deepEqual([keyless.code, keyless.find("key").status, keyless.find("key").fix], [1, "missing", ["ask Ann"]]);
  assert.match(keyless.find("model").text, /http:\/\/127\.0\.0\.1:9\/v1 /);
  assert.equal((await ask({ env: { M_KEY: "very-secret" } })).find("key").status, "ok");
  assert.deepEqual(keyless.find("window").text, "272000 tokens (known of this model)");
  assert.deepEqual(keyless.find("request").text, "reasoning effort low, verbosity low");
  writeFileSync(join(home, "config.toml"), `model = "m1"\n${provider("http://127.0.0.1:9/v1")}`);
  assert.match((await ask()).find("window").text, /^128000 tokens \(a guess: model_context_window says/);
  writeFileSync(join(home, "config.toml"), 'model = "m1"\nmodels.m1.context_window = 9000\n');
  assert.equal((await ask()).find("window").text, "9000 tokens (set)");
  const file = await ask({ env: { BELAY_HOME: join(home, "config.toml") } });
  assert.deepEqual([file.code, file.find("home").status], [1, "missing"]);
  assert.equal((await ask({ words: ["--nonsense"] })).code, 2);
});
