import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { MACHINES } from "../../src/sandbox/syscalls.js";
import {
  type Job,
  makeWorld,
  noBubblewrap,
  READ_ONLY,
  removeWorld,
  runJobs,
  sh,
  USERS,
  WORKSPACE,
  type World,
} from "./jobs.js";

const LIMIT = { timeout: 60_000, skip: noBubblewrap };
const CALLS = MACHINES[process.arch]?.calls ?? {};
const AF_PACKET = 17;

/** A system call made by perl; it succeeds when the call does, or fails with another error than "not permitted". */
function call(name: string, ...args: number[]): string {
  return perl(`syscall(${[CALLS[name] ?? -1, ...args].join(", ")})`);
}

function perl(expression: string): string {
  return `perl -e '$r = ${expression}; exit($r == -1 && ($! == 1 || $! == 38) ? 1 : 0)'`;
}

function node(script: string): string {
  return `"${process.execPath}" -e '${script}'`;
}

const connect = (options: string) =>
  node(
    `require("node:net").connect(${options}).on("connect", () => process.exit(0)).on("error", () => process.exit(1))`,
  );

/** Each succeeds when the sandbox leaks; run in the workspace of workspace-write without the network. */
const ESCAPES: Readonly<Record<string, string>> = {
  "write outside": 'echo x > "$OUTSIDE/new"',
  "write at home": 'echo x > "$HOME/new"',
  "write through a link": "echo x > link/new",
  "write through ..": "echo x > ../outside/new",
  "write through a hard link": 'ln "$OUTSIDE/secret.txt" hard && echo x >> hard',
  "write through /proc/self/root": 'echo x > "/proc/self/root/$OUTSIDE/new"',
  "move something in": 'mv "$OUTSIDE/secret.txt" .',
  "remove something outside": 'rm -f "$OUTSIDE/secret.txt"',
  "change a mode outside": 'chmod 777 "$OUTSIDE"',
  "replace the workspace": 'cd /; mv "$WS" "$WS-old"',
  "change git's config": "echo x >> .git/config",
  "core.fsmonitor": "git config core.fsmonitor evil",
  "core.hooksPath": "git config core.hooksPath /tmp",
  "a git alias": "git config alias.st '!evil'",
  "a git hook": "echo evil > .git/hooks/pre-commit",
  "remove git's hooks": "rm -rf .git/hooks/* && ! ls .git/hooks/*",
  "move .git away": "mv .git .git-old && mkdir .git",
  "move git's hooks away": "mv .git/hooks .git/hooks-old",
  "link to git's config": "ln .git/config config && echo x >> config",
  "replace git's config": "echo x > x && mv -f x .git/config",
  "settings of agents": "echo x > .codex/config.toml || echo x > .agents/x",
  "replace settings of agents": "mv .codex codex || rm -rf .agents",
  "tasks of editors": "echo x > .vscode/tasks.json",
  "replace tasks of editors": "mv .vscode v && mkdir .vscode",
  "keys of Belay's": 'grep -q in-auth-json "$HOME/auth.json"',
  "what is handed to commands": 'ls -d "$SHARED"',
  "secrets in the environments of others": "grep -l in-the-environment /proc/[0-9]*/environ",
  "the way to an ssh agent": 'test -n "$SSH_AUTH_SOCK$DBUS_SESSION_BUS_ADDRESS"',
  TCP: connect('{ host: "127.0.0.1", port: +process.env.PORT }'),
  UDP: node(
    'const s = require("node:dgram").createSocket("udp4"); s.on("error", () => process.exit(1)); s.send("x", +process.env.PORT, "127.0.0.1", (e) => process.exit(e ? 1 : 0))',
  ),
  "a raw socket": call("socket", AF_PACKET, 3, 0),
  "a socket of a service": connect('process.env.OUTSIDE + "/service.sock"'),
  "sockets in /run": "ls -A /run | grep -v -e systemd -e current-system -e booted-system",
  "an abstract socket": connect("String.fromCharCode(0) + process.env.ABSTRACT"),
  ptrace: call("ptrace", 0, 0, 0, 0),
  "the memory of others": call("process_vm_readv", 1, 0, 0, 0, 0, 0),
  "descriptors of others": call("pidfd_getfd", 0, 0, 0),
  "the roots of others": 'ls "/proc/$HOST_PID/root"',
  "signals to others": 'kill -0 "$HOST_PID"',
  io_uring: call("io_uring_setup", 1, 0),
  keyrings: call("keyctl", 0, -3, 0),
  bpf: call("bpf", 0, 0, 0),
  perf: call("perf_event_open", 0, 0, -1, -1, 0),
  "user namespaces": "unshare -Ur true",
  "user namespaces by clone": perl(`syscall(${CALLS.clone ?? -1}, 0x10000000 | 17, 0, 0, 0, 0)`),
  "mount namespaces": "unshare -m true",
  "namespaces of others": "nsenter -t 1 -m true",
  "a mount": "mount -t tmpfs none /mnt",
  "a mount made writable": "mount -o remount,rw,bind /",
  "a guard taken off": "umount .git/config || umount -l .git/config",
  "the new mount calls": call("open_tree", -100, 0, 0),
  chroot: call("chroot", 0),
  "settings of the kernel": "cat /proc/sys/kernel/printk > /proc/sys/kernel/printk",
  "the core pattern": "cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern",
  sysrq: ": >> /proc/sysrq-trigger",
  "control groups": "mkdir /sys/fs/cgroup/belay-test && rmdir /sys/fs/cgroup/belay-test",
  "typing into the terminal": perl('do { open(F, "</dev/null"); $x = "x"; ioctl(F, 0x5412, $x) // -1 }'),
  "devices of the machine": "ls /dev | grep -E '^(sd|vd|nvme|mem|kvm|fuse|loop)'",
  "a device made": "mknod device b 1 1",
  "the second table of calls": process.arch === "x64" ? perl("syscall(0x40000000 + 39)") : "false",
};

/** What only a filter of system calls refuses; most of it the kernel refuses later, for want of rights. */
const UNFILTERED = [
  ...["ptrace", "the memory of others", "descriptors of others", "io_uring", "keyrings", "bpf", "perf"],
  ...["user namespaces by clone", "the new mount calls", "chroot", "typing into the terminal"],
  ...["the second table of calls", "user namespaces"],
];

/** What the same commands do with nobody to stop them, where that harms nothing: the attempts are real. */
const REAL = [
  ...["write outside", "write through a link", "write through ..", "write through a hard link", "change git's config"],
  ...["core.fsmonitor", "a git hook", "move .git away", "tasks of editors", "keys of Belay's", "TCP", "UDP"],
  ...["a socket of a service", "an abstract socket", "ptrace", "the roots of others", "signals to others"],
  ...[
    "the way to an ssh agent",
    "what is handed to commands",
    "replace git's config",
    "move git's hooks away",
    "replace tasks of editors",
  ],
];

describe("escapes (needs bubblewrap)", () => {
  for (const user of USERS) {
    test(`as ${user.name}: none of ${Object.keys(ESCAPES).length} gets through`, LIMIT, async (t) => {
      const world = makeWorld(user);
      t.after(() => removeWorld(world));
      const env = await outerWorld(t, world);
      const jobs = Object.entries(ESCAPES).map(
        ([id, script]): Job => ({ id, policy: WORKSPACE, argv: sh(script), env }),
      );
      const results = await runJobs(world, jobs, { listen: join(world.outside, "service.sock") });
      for (const { id } of jobs) {
        const result = results.get(id);
        assert.ok(result !== undefined && result.refused === undefined, `${id}: ${JSON.stringify(result)}`);
        assert.equal(result.end, "exited", `${id}: ${result.error}`);
        assert.notEqual(result.code, 0, `${id}: ${result.output}`);
        assert.doesNotMatch(result.output, /not found/, id);
      }
      assert.equal(readFileSync(join(world.outside, "secret.txt"), "utf8"), "secret\n");
    });
  }

  for (const user of process.env.BELAY_SOAK === undefined ? USERS.slice(-1) : USERS) {
    test(`as ${user.name}, without bubblewrap: only the kernel's insides are open`, LIMIT, async (t) => {
      const world = makeWorld(user);
      t.after(() => removeWorld(world));
      const env = await outerWorld(t, world);
      const jobs = Object.entries(ESCAPES).map(
        ([id, script]): Job => ({ id, policy: WORKSPACE, argv: sh(script), env }),
      );
      const results = await runJobs(world, jobs, { listen: join(world.outside, "service.sock"), partial: true });
      const through = jobs.filter(({ id }) => {
        const result = results.get(id);
        assert.ok(result !== undefined && result.refused === undefined, `${id}: ${JSON.stringify(result)}`);
        assert.equal(result.end, "exited", `${id}: ${result.error}`);
        return result.code === 0;
      });
      assert.deepEqual(
        through.map(({ id }) => id).filter((id) => !UNFILTERED.includes(id)),
        [],
      );
      assert.equal(readFileSync(join(world.outside, "secret.txt"), "utf8"), "secret\n");
    });
  }

  test("the attempts succeed where nothing stops them", LIMIT, async (t) => {
    for (const id of REAL) {
      const world = makeWorld(USERS[0]!);
      t.after(() => removeWorld(world));
      const env = { ...(await outerWorld(t, world)), PATH: process.env.PATH, HOME: world.home, SSH_AUTH_SOCK: "x" };
      const server = createServer((socket) => socket.destroy()).listen(join(world.outside, "service.sock"));
      t.after(() => server.close());
      const child = spawn("sh", ["-c", ESCAPES[id]!], { cwd: world.ws, env, stdio: "ignore" });
      const [code] = await once(child, "exit");
      assert.equal(code, 0, id);
    }
  });

  test("a writable folder above the workspace is no way around its guard", LIMIT, async (t) => {
    const world = makeWorld(USERS[0]!);
    t.after(() => removeWorld(world));
    const { outside, ws } = world;
    const policy = { ...WORKSPACE, writable_roots: [world.base] };
    const scripts = [`mv '${ws}' '${ws}-old'`, `echo x >> '${ws}/.git/config'`, `mv '${outside}' '${outside}-old'`];
    const jobs = scripts.map((id): Job => ({ id, policy, argv: sh(id) }));
    jobs.push({ id: "write there", policy, argv: sh(`echo x > '${outside}/new'`) });
    const results = await runJobs(world, jobs, { listen: join(outside, "service.sock") });
    for (const { id } of jobs) {
      const result = results.get(id)!;
      assert.ok(result.refused === undefined && result.end === "exited", JSON.stringify(result));
      assert.equal(result.code === 0, id === "write there", `${id}: ${result.output}`);
    }
  });

  test(
    "sockets of programs outside of our container: those mounted, and those the environment names",
    LIMIT,
    async (t) => {
      const world = makeWorld(USERS.at(-1)!);
      t.after(() => removeWorld(world));
      const [mounted, named] = ["mounted.sock", "named.sock"].map((name) => join(world.outside, name)) as [
        string,
        string,
      ];
      writeFileSync(mounted, "");
      for (const path of [named, join(world.base, "service.sock")]) {
        const server = createServer((socket) => socket.destroy());
        t.after(() => server.close());
        await new Promise<void>((ready) => server.listen(path, ready));
        chmodSync(path, 0o777);
      }
      const job = (id: string, path: string, env = {}): Job => {
        return { id, policy: WORKSPACE, argv: sh(connect("process.env.TARGET")), env: { ...env, TARGET: path } };
      };
      const jobs = [
        job("mounted", mounted),
        job("named", named, { SSH_AUTH_SOCK: named }),
        job("as a URL", named, { DOCKER_HOST: `unix://${named}` }),
        job("as an address", named, { DBUS_SESSION_BUS_ADDRESS: `unix:path=${named},guid=1` }),
        job("unknown", named),
      ];
      const inside = [
        "bwrap",
        "--dev-bind",
        "/",
        "/",
        "--unshare-net",
        "--bind",
        join(world.base, "service.sock"),
        mounted,
      ];
      const results = await runJobs(world, jobs, { inside });
      for (const { id } of jobs) {
        const result = results.get(id)!;
        assert.ok(result.refused === undefined && result.end === "exited", JSON.stringify(result));
        // The last shows that there is something to reach.
        assert.equal(result.code, id === "unknown" ? 0 : 1, `${id}: ${result.output}`);
      }
    },
  );

  test("read-only leaves nothing to write", LIMIT, async (t) => {
    const world = makeWorld(USERS.at(-1)!);
    t.after(() => removeWorld(world));
    const scripts = ["echo x > x", "echo x > /tmp/belay-test-x", "echo x >> a", "mkdir d", 'echo x > "$HOME/x"'];
    const jobs = scripts.map((id): Job => ({ id, policy: READ_ONLY, argv: sh(id) }));
    const results = await runJobs(world, jobs);
    for (const { id } of jobs) {
      const result = results.get(id)!;
      assert.ok(result.refused === undefined && result.code !== 0, id);
    }
  });
});

/** Services of the machine to be reached, and what commands need to know to try. */
async function outerWorld(t: { after(done: () => void): void }, world: World): Promise<Record<string, string>> {
  const abstract = `belay-test-${process.pid}-${world.base.slice(-6)}`;
  const listening: Promise<number>[] = [{ host: "127.0.0.1", port: 0 }, { path: `\0${abstract}` }].map((where) => {
    const server = createServer((socket) => socket.destroy());
    t.after(() => server.close());
    return new Promise((resolve) => {
      server.listen(where, () => resolve((server.address() as { port?: number })?.port ?? 0));
    });
  });
  const [port] = await Promise.all(listening);
  const shared = mkdtempSync("/dev/shm/belay-test-");
  t.after(() => rmdirSync(shared));
  const places = { OUTSIDE: world.outside, WS: world.ws, HOST_PID: String(process.pid), SHARED: shared };
  const ways = { SSH_AUTH_SOCK: "/tmp/agent", DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/bus" };
  return { ...places, ...ways, PORT: String(port), ABSTRACT: abstract };
}
