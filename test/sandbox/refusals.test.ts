import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { run } from "../../src/process/index.js";
import { type Place, probe, runSandboxed, type SandboxLevel, wrap } from "../../src/sandbox/index.js";
import { FULL, makeWorld, noBubblewrap, READ_ONLY, removeWorld, runJobs, sh, USERS, WORKSPACE } from "./jobs.js";

const PATH = process.env.PATH ?? "";
const { signal } = new AbortController();
const NOTHING: SandboxLevel = {
  walls: undefined,
  cage: undefined,
  reasons: { walls: ["bwrap was not found: install it"], cage: [] },
};
const WALLS: SandboxLevel = { ...NOTHING, walls: { kind: "bubblewrap", program: "/usr/bin/bwrap", proc: "own" } };

function place(t: TestContext): Place {
  const base = mkdtempSync("/var/tmp/belay-place-");
  t.after(() => rmSync(base, { recursive: true, force: true }));
  for (const name of ["cwd", "home"]) mkdirSync(join(base, name));
  return { cwd: join(base, "cwd"), home: join(base, "home") };
}

function command(where: Place, ...argv: string[]) {
  return { argv: argv.length === 0 ? ["true"] : argv, cwd: where.cwd, env: { PATH } };
}

test("folders that can't be writable roots are refused, each with its reason", (t) => {
  const where = place(t);
  const file = join(where.home, "file");
  writeFileSync(file, "");
  const loop = join(where.home, "loop");
  symlinkSync(loop, loop);
  const bad: readonly (readonly [string, RegExp])[] = [
    [join(where.home, "missing"), /missing does not exist/],
    [file, /file is not a folder/],
    [join(file, "in"), /is not a folder/],
    [loop, /leads back to itself/],
    ["relative", /not an absolute path/],
    ["/", /the whole machine/],
    ["/dev/shm", /use a folder in it/],
    ["/dev", /use a folder in it/],
  ];
  for (const [root, reason] of bad) {
    const wrapped = wrap(command(where), { ...WORKSPACE, writable_roots: [root] }, { place: where, level: WALLS });
    assert.ok(!wrapped.ok, root);
    assert.match(wrapped.reason, reason);
  }
});

test("what can't be started is refused before any sandbox is made", (t) => {
  const where = place(t);
  const plain = join(where.cwd, "plain");
  writeFileSync(plain, "");
  const bad: readonly (readonly [readonly string[], RegExp])[] = [
    [["no-such-program-here"], /not found on PATH/],
    [["./missing"], /not found/],
    [["./plain"], /permission denied/],
    [["true", "a\0b"], /NUL/],
    [[""], /empty/],
  ];
  for (const [argv, reason] of bad) {
    for (const policy of [READ_ONLY, WORKSPACE, FULL]) {
      const wrapped = wrap({ ...command(where), argv }, policy, { place: where, level: WALLS });
      assert.ok(!wrapped.ok, argv[0]);
      assert.match(wrapped.reason, reason);
    }
  }
  const gone = wrap({ ...command(where), cwd: join(where.cwd, "gone") }, READ_ONLY, { place: where, level: WALLS });
  assert.ok(!gone.ok && /does not exist/.test(gone.reason));
});

test("without walls the confined modes are refused, with what to install; full access runs", async (t) => {
  const where = place(t);
  for (const policy of [READ_ONLY, WORKSPACE]) {
    const wrapped = wrap(command(where), policy, { place: where, level: NOTHING });
    assert.ok(!wrapped.ok);
    assert.match(wrapped.reason, new RegExp(`${policy.mode} can't be kept .*install`));
  }
  const wrapped = wrap(command(where, "sh", "-c", "echo $BELAY_SANDBOX"), FULL, { place: where, level: NOTHING });
  assert.ok(wrapped.ok);
  const exit = await run(wrapped.command, { signal, keep: { head: 100, tail: 0 } });
  assert.deepEqual([exit.output.parts().head, exit.contained], ["danger-full-access\n", false]);
});

test("a machine without the programs is told what to install", async (t) => {
  const where = place(t);
  const level = await probe(where, { env: { PATH: where.home }, signal });
  assert.deepEqual([level.walls, level.cage], [undefined, undefined]);
  assert.match(
    level.reasons.walls.join("\n"),
    /bwrap was not found on PATH: install bubblewrap \(Debian, Ubuntu: apt-get/,
  );
});

test("programs that fail to make a sandbox are no sandbox, and their complaint is told", async (t) => {
  const where = place(t);
  for (const name of ["bwrap", "unshare", "setpriv"]) {
    writeFileSync(join(where.home, name), "#!/bin/sh\necho No permissions to create new namespace >&2\nexit 1\n");
    chmodSync(join(where.home, name), 0o755);
  }
  const level = await probe(where, { env: { PATH: where.home }, signal });
  assert.deepEqual([level.walls, level.cage], [undefined, undefined]);
  assert.match(
    level.reasons.walls.join("\n"),
    /No permissions to create new namespace.*user namespaces may be forbidden/,
  );
  // One that claims success but runs nothing is none either.
  for (const name of ["bwrap", "unshare", "setpriv"]) writeFileSync(join(where.home, name), "#!/bin/sh\nexit 0\n");
  const liar = await probe(where, { env: { PATH: where.home }, signal });
  assert.deepEqual([liar.walls, liar.cage], [undefined, undefined]);
});

test("a bwrap that the project brings along is not used (needs bubblewrap)", { skip: noBubblewrap }, async (t) => {
  const where = place(t);
  const own = join(where.cwd, "bwrap");
  writeFileSync(own, "#!/bin/sh\nexit 0\n");
  chmodSync(own, 0o755);
  const linked = join(where.home, "bwrap");
  symlinkSync(own, linked);
  const level = await probe(where, { env: { PATH: `${where.cwd}:.:${where.home}:${PATH}` }, signal });
  assert.ok(level.walls?.kind === "bubblewrap");
  assert.ok(![own, linked].includes(level.walls.program), level.walls.program);
  assert.deepEqual([level.reasons.walls, level.cage !== undefined], [[], true]);
});

test("an empty file that a mount left in the place of a socket is removed", async (t) => {
  const where = place(t);
  const socket = join(where.cwd, "service.sock");
  const server = createServer().listen(socket);
  await once(server, "listening");
  t.after(() => server.close());
  const program = join(where.home, "bwrap");
  // What bubblewrap does when the socket is gone by the time it gets there.
  writeFileSync(
    program,
    `#!/bin/sh\n[ -S '${socket}' ] && rm '${socket}' && install -m 444 /dev/null '${socket}'\nexit 1\n`,
    { mode: 0o755 },
  );
  const level: SandboxLevel = { ...NOTHING, walls: { kind: "bubblewrap", program, proc: "own" } };
  const ran = await runSandboxed(command(where), WORKSPACE, {
    signal,
    keep: { head: 0, tail: 0 },
    place: where,
    level,
  });
  assert.ok(ran.ok && ran.exit.end === "not_started");
  assert.equal(existsSync(socket), false);
});

test("a megabyte of arguments runs, a single one of that size is refused (needs bubblewrap)", {
  skip: noBubblewrap,
}, async (t) => {
  const where = place(t);
  const level = await probe(where, { env: { PATH }, signal });
  const options = { signal, keep: { head: 200, tail: 0 }, place: where, level };
  const many = Array.from({ length: 16 }, () => "x".repeat(64 * 1024));
  for (const policy of [READ_ONLY, FULL]) {
    const ran = await runSandboxed(command(where, "sh", "-c", 'echo "$#"', "sh", ...many), policy, options);
    assert.ok(ran.ok);
    assert.deepEqual([ran.exit.code, ran.exit.output.parts().head], [0, "16\n"]);
    const long = await runSandboxed(command(where, "true", "x".repeat(1024 * 1024)), policy, options);
    assert.ok(long.ok);
    assert.deepEqual([long.exit.end, long.exit.error], ["not_started", "the argument list is too long"]);
  }
});

const other = USERS.find(({ id }) => id !== undefined) ?? (process.geteuid?.() === 0 ? undefined : USERS[0]);
const closed = { skip: noBubblewrap || (other === undefined ? "needs a user who may not go everywhere" : false) };

test(
  "a folder that can't be entered is refused, one that can't be listed is worked in (needs bubblewrap)",
  closed,
  async (t) => {
    const world = makeWorld(other!);
    t.after(() => removeWorld(world));
    const jobs = [READ_ONLY, WORKSPACE, FULL].map((policy) => ({ id: policy.mode, policy, argv: sh("cat a") }));
    chmodSync(world.ws, 0o300);
    const worked = await runJobs(world, jobs);
    chmodSync(world.ws, 0);
    const refused = await runJobs(world, jobs);
    chmodSync(world.ws, 0o755);
    for (const { id } of jobs) {
      const result = worked.get(id)!;
      assert.ok(result.refused === undefined && result.code === 0, `${id}: ${JSON.stringify(result)}`);
      assert.match(refused.get(id)?.refused ?? "", /ws: permission denied/);
    }
  },
);

test("sockets that come anew at every attempt do not keep a command from running", async (t) => {
  const where = place(t);
  const program = join(where.home, "bwrap");
  // Bubblewrap, for which each of these sockets is gone by the time it gets there.
  const script = 'while [ "$1" != -- ]; do case $1 in */churn-*) exit 1;; esac; shift; done; shift; exec "$@"';
  writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const level: SandboxLevel = { ...NOTHING, walls: { kind: "bubblewrap", program, proc: "own" } };
  const open = new Set<Server>();
  const churn = () => {
    for (const server of open) server.close();
    open.clear();
    attempts += 1;
    open.add(createServer().listen(join(where.cwd, `churn-${attempts}`)));
  };
  let attempts = 0;
  churn();
  t.after(() => {
    for (const server of open) server.close();
  });
  const options = { signal, keep: { head: 0, tail: 0 }, place: where, level, onStart: churn };
  const ran = await runSandboxed(command(where), WORKSPACE, options);
  assert.ok(ran.ok);
  assert.deepEqual([ran.exit.end, ran.exit.code], ["exited", 0]);
  assert.ok(attempts <= 6, String(attempts));
});
