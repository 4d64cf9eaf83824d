import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  FULL,
  type Job,
  makeWorld,
  noBubblewrap,
  READ_ONLY,
  removeWorld,
  runJobs,
  sh,
  USERS,
  WORKSPACE,
} from "./jobs.js";

const LIMIT = { timeout: 60_000, skip: noBubblewrap };

/** What people's commands do all day: each must succeed in workspace-write without the network. */
const WORK: Readonly<Record<string, string>> = {
  "write in the workspace": "echo x > new && mkdir -p d/e && echo y > d/e/f && mv d d2 && rm -r d2 new",
  "git status": "git status --porcelain",
  "git commit": "echo b > b && git add b && git -c core.editor=false commit -qm b && git log --oneline | grep -q b",
  "git branches":
    "git checkout -qb other && echo c > c && git add c && git commit -qm c && git checkout -q - && git merge -q other",
  "git stash": "echo changed > a && git stash -q && git stash pop -q && git checkout -q a",
  "read at home": 'grep -q registry "$HOME/.npmrc"',
  "read the system": "cat /etc/passwd >/dev/null && ls /usr/bin >/dev/null",
  "sockets between its own programs": `"${process.execPath}" -e 'const s = require("node:net").createServer((c) => c.end("x")).listen("own.sock", () => require("node:net").connect("own.sock").on("end", () => s.close()).resume())'`,
  "pipes and job control": "seq 1000 | sort -rn | head -1 | grep -q 1000; sleep 0.01 & wait $!",
  "process substitution": `bash -c 'diff <(echo a) <(echo a)'`,
  devices: "echo x > /dev/null && head -c 8 /dev/urandom | wc -c | grep -q 8 && echo x > /dev/stderr",
  "shared memory": "echo x > /dev/shm/x",
  "a temporary folder of its own": 'mkdir tmp && export TMPDIR="$PWD/tmp" && f=$(mktemp) && test -e "$f"',
  ps: "ps -e | grep -q sh",
  threads: `"${process.execPath}" -e 'new (require("node:worker_threads").Worker)("", { eval: true })'`,
  interfaces: `"${process.execPath}" -e 'require("node:os").networkInterfaces()'`,
  "its mode": 'test "$BELAY_SANDBOX $CODEX_SANDBOX_NETWORK_DISABLED" = "workspace-write 1"',
};

function checkDone(jobs: readonly Job[], results: Awaited<ReturnType<typeof runJobs>>): void {
  for (const { id } of jobs) {
    const result = results.get(id)!;
    assert.ok(result.refused === undefined, result.refused);
    assert.deepEqual([result.end, result.code, result.leftovers], ["exited", 0, false], `${id}: ${result.output}`);
  }
}

describe("work (needs bubblewrap)", () => {
  for (const user of USERS) {
    test(`as ${user.name}: what people do all day works`, LIMIT, async (t) => {
      const world = makeWorld(user);
      t.after(() => removeWorld(world));
      const jobs = Object.entries(WORK).map(([id, script]): Job => ({ id, policy: WORKSPACE, argv: sh(script) }));
      // One after the other: they share a repository.
      const results = await runJobs(world, jobs, { atOnce: 1 });
      checkDone(jobs, results);
    });

    test(`as ${user.name}: full access changes nothing but the view of processes`, LIMIT, async (t) => {
      const world = makeWorld(user);
      t.after(() => removeWorld(world));
      const view =
        'id; umask; pwd; hostname; cat /proc/self/cgroup; ulimit -a; grep -E "CapEff|CapPrm|Seccomp:|NoNewPrivs|SigIgn|SigBlk" /proc/self/status; ls /dev; stat -c %d:%i /run; readlink /proc/self/ns/net /proc/self/ns/ipc /proc/self/ns/uts; for f in /proc/sys/kernel/printk /proc/sysrq-trigger; do test -w $f; echo $?; done; ls -n /root 2>&1 | head -3';
      const ids = user.id === undefined ? {} : { uid: user.id, gid: user.id };
      const env = { PATH: process.env.PATH, HOME: world.home };
      const plain = spawnSync("sh", ["-c", view], { cwd: world.ws, env, encoding: "utf8", ...ids });
      const jobs = [
        { id: "view", policy: FULL, argv: sh(view) },
        { id: "write", policy: FULL, argv: sh('echo x > "$HOME/new"; exit 9') },
      ];
      const results = await runJobs(world, jobs);
      const [viewed, wrote] = jobs.map(({ id }) => results.get(id)!);
      assert.ok(viewed!.refused === undefined && wrote!.refused === undefined);
      assert.equal(viewed!.output, plain.stdout);
      assert.deepEqual([wrote!.code, wrote!.contained, existsSync(join(world.home, "new"))], [9, true, true]);
    });
  }

  test("without bubblewrap it works as well, and nothing is left in the project", LIMIT, async (t) => {
    const world = makeWorld(USERS.at(-1)!);
    t.after(() => removeWorld(world));
    const jobs = Object.entries(WORK).map(([id, script]): Job => ({ id, policy: WORKSPACE, argv: sh(script) }));
    jobs.push({ id: "read-only", policy: READ_ONLY, argv: sh("! touch x && ! touch /tmp/x") });
    const before = readdirSync(join(world.ws, ".vscode"));
    const results = await runJobs(world, jobs, { atOnce: 1, partial: true });
    checkDone(jobs, results);
    assert.deepEqual(readdirSync(join(world.ws, ".vscode")), before);
  });

  test("where programs make and remove sockets all the time, commands run all the same", LIMIT, async (t) => {
    const world = makeWorld(USERS.at(-1)!);
    t.after(() => removeWorld(world));
    chmodSync(world.ws, 0o777);
    const stop = churn(["/tmp", world.outside, world.ws].map((folder) => join(folder, `churn-${process.pid}`)));
    const jobs = Array.from({ length: 12 }, (_, at): Job => ({ id: String(at), policy: WORKSPACE, argv: sh("true") }));
    const results = await runJobs(world, jobs);
    await stop();
    for (const { id } of jobs) {
      const result = results.get(id)!;
      assert.ok(result.refused === undefined, result.refused);
      assert.deepEqual([result.end, result.code], ["exited", 0], result.error);
    }
    assert.deepEqual(
      readdirSync(world.ws).filter((name) => name.startsWith("churn")),
      [],
    );
  });

  test("a folder of sockets is covered as a whole: the next one in it is out of reach too", LIMIT, async (t) => {
    const world = makeWorld(USERS.at(-1)!);
    t.after(() => removeWorld(world));
    const folder = join(world.outside, "sockets");
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const jobs = [{ id: "look", policy: WORKSPACE, argv: sh(`ls -A '${folder}' | grep -c sock; touch '${folder}/x'`) }];
    const results = await runJobs(world, jobs, { listen: join(folder, "first.sock") });
    const result = results.get("look")!;
    assert.ok(result.refused === undefined, result.refused);
    assert.match(result.output, /^0\n.*Read-only file system/);
  });

  test("nothing is left in the project, and what no mount can guard is told", LIMIT, async (t) => {
    const world = makeWorld(USERS.at(-1)!);
    t.after(() => removeWorld(world));
    const before = readdirSync(world.ws, { recursive: true }).sort();
    const quiet = await runJobs(world, [{ id: "quiet", policy: WORKSPACE, argv: sh("true") }]);
    assert.deepEqual(readdirSync(world.ws, { recursive: true }).sort(), before);
    const loud = "mkdir .belay .idea; echo ../x > .git/commondir";
    const told = await runJobs(world, [{ id: "loud", policy: WORKSPACE, argv: sh(loud) }]);
    const names = (id: string, results: typeof told) => {
      const result = results.get(id)!;
      assert.ok(result.refused === undefined, result.refused);
      return result.appeared.map((path) => path.slice(world.ws.length + 1)).sort();
    };
    assert.deepEqual(names("quiet", quiet), []);
    assert.deepEqual(names("loud", told), [".belay", ".git/commondir", ".idea"]);
  });

  test("more roots are writable, and guarded as well; a network that was granted works", LIMIT, async (t) => {
    const world = makeWorld(USERS.at(-1)!);
    t.after(() => removeWorld(world));
    const { outside } = world;
    mkdirSync(join(outside, ".agents"));
    writeFileSync(join(world.base, "untouched"), "");
    const policy = { ...WORKSPACE, writable_roots: [outside], network_access: true };
    const bind = `"${process.execPath}" -e 'require("node:net").createServer().listen(0, "127.0.0.1", function () { this.close() })'`;
    const jobs: Job[] = [
      { id: "write", policy, argv: sh(`echo x > '${outside}/x'`) },
      { id: "guarded", policy, argv: sh(`! echo x > '${outside}/.agents/x' && ! echo x > '${world.base}/untouched'`) },
      { id: "network", policy, argv: sh(bind) },
      { id: "told", policy, argv: sh('test -z "$CODEX_SANDBOX_NETWORK_DISABLED"') },
      { id: "read-only", policy: READ_ONLY, argv: sh('test "$BELAY_SANDBOX" = read-only') },
    ];
    const results = await runJobs(world, jobs);
    for (const { id } of jobs) {
      const result = results.get(id)!;
      assert.ok(result.refused === undefined, result.refused);
      assert.equal(result.code, 0, `${id}: ${result.output}`);
    }
  });
});

/** Listens on socket files by these names and closes them, each for a few turns of the loop, over and over. */
function churn(names: readonly string[]): () => Promise<unknown> {
  let isOver = false;
  const keep = async (name: string) => {
    for (let at = 0; !isOver; at += 1) {
      const server = createServer().listen(`${name}-${at % 3}`);
      // An empty file lies there for a moment when a socket went away just as it was covered.
      const listens = await once(server, "listening").then(
        () => true,
        () => false,
      );
      if (!listens) continue;
      await new Promise((done) => setTimeout(done, at % 20));
      server.close();
      await once(server, "close");
    }
  };
  const all = names.flatMap((name) => ["a", "b", "c"].map((one) => keep(`${name}-${one}`)));
  return () => {
    isOver = true;
    return Promise.all(all);
  };
}
