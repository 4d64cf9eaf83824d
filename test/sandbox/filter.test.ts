import assert from "node:assert/strict";
import { test } from "node:test";
import { seccompFilter } from "../../src/sandbox/seccomp.js";
import { MACHINES } from "../../src/sandbox/syscalls.js";
import fc from "../support/fast-check.js";

const ALLOWED = 0x7fff0000;
const NOT_PERMITTED = 0x50001;
const NO_SUCH_CALL = 0x50026;
const KILLED = 0x80000000;

interface Call {
  readonly nr: number;
  readonly audit: number;
  readonly args?: readonly number[];
}

/** What the kernel would do: its classic BPF, as far as filters of ours use it. */
function decide(filter: Uint8Array, { nr, audit, args = [] }: Call): number {
  const program = Buffer.from(filter);
  const data = Buffer.alloc(64);
  data.writeUInt32LE(nr, 0);
  data.writeUInt32LE(audit, 4);
  for (const [at, value] of args.entries()) data.writeUInt32LE(value, 16 + 8 * at);
  let loaded = 0;
  for (let at = 0; at < program.length; at += 8) {
    const value = program.readUInt32LE(at + 4);
    const skip = (holds: boolean) => {
      at += 8 * program.readUInt8(at + (holds ? 2 : 3));
    };
    const code = program.readUInt16LE(at);
    if (code === 0x06) return value;
    if (code === 0x20) loaded = data.readUInt32LE(value);
    else if (code === 0x15) skip(loaded === value);
    else if (code === 0x35) skip(loaded >= value);
    else if (code === 0x45) skip((loaded & value) !== 0);
    else assert.fail(`code ${code}`);
  }
  assert.fail("the filter has no end");
}

for (const [arch, { audit, calls, foreign }] of Object.entries(MACHINES)) {
  const [offline, online] = [false, true].map((network) => seccompFilter({ arch, network })!) as [
    Uint8Array,
    Uint8Array,
  ];
  const on = (name: string, ...args: number[]) => decide(online, { nr: calls[name]!, audit, args });
  const off = (name: string, ...args: number[]) => decide(offline, { nr: calls[name]!, audit, args });

  test(`${arch}: calls that lead out are refused, whatever the network`, () => {
    for (const name of [
      "ptrace",
      "process_vm_readv",
      "process_vm_writev",
      "io_uring_setup",
      "bpf",
      "keyctl",
      "mount",
      "setns",
    ]) {
      assert.deepEqual([on(name), off(name)], [NOT_PERMITTED, NOT_PERMITTED], name);
    }
    assert.equal(on("clone3"), NO_SUCH_CALL);
  });

  test(`${arch}: threads and forks, but no namespaces`, () => {
    assert.equal(on("clone", 0x3d0f00), ALLOWED);
    assert.equal(on("clone", 17), ALLOWED);
    assert.equal(on("unshare", 0x400), ALLOWED);
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      assert.deepEqual([on("clone", flag | 17), on("unshare", flag)], [NOT_PERMITTED, NOT_PERMITTED]);
    }
    assert.equal(on("unshare", 0x80), NOT_PERMITTED);
  });

  test(`${arch}: sockets`, () => {
    const families = fc.integer({ min: 0, max: 50 });
    const property = fc.property(families, fc.nat(10), fc.nat(20), (family, type, protocol) => {
      const local = family === 1 || (family === 16 && protocol === 0);
      assert.equal(off("socket", family, type, protocol), local ? ALLOWED : NOT_PERMITTED);
      assert.equal(on("socket", family, type, protocol), ALLOWED);
    });
    fc.assert(property);
  });

  test(`${arch}: terminals`, () => {
    assert.equal(on("ioctl", 0, 0x5412), NOT_PERMITTED);
    assert.equal(on("ioctl", 0, 0x541c), NOT_PERMITTED);
    assert.equal(on("ioctl", 0, 0x5401), ALLOWED);
  });

  test(`${arch}: every other call is allowed, and none by another table`, () => {
    const known = new Set(Object.values(calls));
    const property = fc.property(fc.nat(600), fc.array(fc.nat(0xffffffff), { maxLength: 6 }), (nr, args) => {
      if (!known.has(nr)) assert.equal(decide(offline, { nr, audit, args }), ALLOWED);
      assert.equal(decide(offline, { nr, audit: 0x40000003, args }), KILLED);
      if (foreign !== undefined) assert.equal(decide(offline, { nr: foreign + nr, audit, args }), NO_SUCH_CALL);
    });
    fc.assert(property);
  });
}

test("a machine without a table has no filter", () => {
  assert.equal(seccompFilter({ arch: "riscv64", network: false }), undefined);
});
