import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { findDenial } from "../../src/sandbox/index.js";
import { FULL, READ_ONLY, WORKSPACE } from "./jobs.js";

function folder(t: TestContext): string {
  const path = mkdtempSync("/var/tmp/belay-denial-");
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("a write that was refused is the sandbox's doing only where it would have worked outside", (t) => {
  const cwd = folder(t);
  mkdirSync(join(cwd, "there"));
  const say = (text: string, code = 1) => findDenial({ text, code, cwd, policy: WORKSPACE });
  for (const line of [
    `touch: cannot touch '${cwd}/there/x': Read-only file system`,
    "touch: cannot touch 'there/x': Read-only file system",
    "mkdir: cannot create directory ‘there/x’: Read-only file system",
    `sh: 1: cannot create ${cwd}/there/x: Read-only file system`,
    `Error: EROFS: read-only file system, open '${cwd}/there/x'`,
    `OSError: [Errno 30] Read-only file system: '${cwd}/there/x'`,
    `open ${cwd}/there/x: read-only file system`,
  ]) {
    assert.match(say(`building\n${line}\nfailed`) ?? line, /there\/x can't be written in the sandbox/);
    assert.equal(say(line, 0), undefined, "it did not fail");
  }
  assert.match(say("mv: cannot move 'there' to 'b': Device or resource busy") ?? "", /can't be moved or removed/);
  for (const line of [
    "",
    "3 tests failed",
    "Read-only file system",
    "touch: cannot touch '/no/such/folder/x': Read-only file system",
    `${cwd}/there/x: Permission denied`,
    "x".repeat(200_000),
  ])
    assert.equal(say(line), undefined, line.slice(0, 80));
});

test("the network, calls to the system, and services", async (t) => {
  const cwd = folder(t);
  const say = (text: string, policy: Parameters<typeof findDenial>[0]["policy"] = READ_ONLY) =>
    findDenial({ text, code: 1, cwd, policy });
  const online = { ...WORKSPACE, network_access: true };
  for (const text of [
    "Error: connect EPERM 127.0.0.1:80 - Local (undefined:undefined)",
    "dial tcp: lookup x on 1.1.1.1:53: dial udp 1.1.1.1:53: socket: operation not permitted",
    'File "/usr/lib/python3.11/socket.py", line 233, in __init__\n    _socket.socket.__init__(self, family)\nPermissionError: [Errno 1] Operation not permitted',
  ]) {
    assert.match(say(text) ?? "", /no network/);
    assert.equal(say(text, online), undefined);
    assert.equal(say(text, FULL), undefined);
  }
  const isOnline = Object.values(networkInterfaces()).some((all) => all?.some(({ internal }) => !internal));
  assert.equal(say("curl: (6) Could not resolve host: example.org") !== undefined, isOnline);
  assert.match(say("strace: ptrace(PTRACE_TRACEME, ...): Operation not permitted", online) ?? "", /trace/);
  assert.equal(say("chmod: changing permissions of 'x': Operation not permitted"), undefined);
  assert.match(findDenial({ text: "", code: 159, cwd, policy: READ_ONLY }) ?? "", /another kind of machine/);
  const socket = join(cwd, "service.sock");
  const server = createServer().listen(socket);
  await once(server, "listening");
  t.after(() => server.close());
  const refused = (path: string) => say(`Cannot connect to the daemon at unix://${path}. Is it running?`);
  assert.match(refused(socket) ?? "", /service\.sock is out of reach/);
  assert.equal(refused(join(cwd, "other.sock")), undefined);
});
