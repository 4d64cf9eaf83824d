import { MACHINES, type Machine } from "./syscalls.js";

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_FROM = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;

/** Where the kernel's seccomp_data has the call's number, the machine, and the low half of an argument. */
const NUMBER = 0;
const MACHINE = 4;
const argument = (at: number) => 16 + 8 * at;

const AF_UNIX = 1;
const AF_NETLINK = 16;
/** Every CLONE_NEW* flag; in `unshare` there is one more (CLONE_NEWTIME), which `clone` uses for the signal. */
const NEW_NAMESPACES = 0x7e020000;
const NEW_TIME = 0x80;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

/** Refused whatever the arguments: ways to other processes, to the kernel's insides, and to other mounts. */
const REFUSED = [
  ...["ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd"],
  ...["io_uring_setup", "io_uring_enter", "io_uring_register"],
  ...["keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "syslog"],
  ...["mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "mount_setattr"],
  ...["fsopen", "fsconfig", "fsmount", "fspick", "open_by_handle_at", "setns"],
  ...["kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module"],
  ...["reboot", "swapon", "swapoff", "acct", "iopl", "ioperm"],
];

/** One instruction of the kernel's classic BPF. */
interface Instruction {
  readonly code: number;
  readonly value: number;
  /** Instructions to skip when the test holds, and when it does not. */
  readonly yes: number;
  readonly no: number;
}

/**
 * A seccomp filter as the kernel reads it, for a machine by Node's name of it; undefined when there is no table of its
 * system calls. Calls return EPERM, but clone3 ENOSYS: its flags can't be seen, and programs then use clone. Without the
 * network, sockets are those between local programs and the ones that list network interfaces (netlink's routes).
 * Programs for another machine (32 bits) are killed: the numbers of their calls mean something else.
 */
export function seccompFilter(options: { readonly arch: string; readonly network: boolean }): Uint8Array | undefined {
  const machine = MACHINES[options.arch];
  if (machine === undefined) return undefined;
  const program = [...checkMachine(machine), ...refusals(machine), ...arguments_(machine)];
  if (!options.network) program.push(...onlyLocalSockets(machine));
  program.push(result(ALLOW));
  return encode(program);
}

function checkMachine({ audit, foreign }: Machine): Instruction[] {
  const start = [load(MACHINE), test(JUMP_EQUAL, audit, { yes: 1 }), result(KILL), load(NUMBER)];
  return foreign === undefined ? start : [...start, test(JUMP_FROM, foreign, { no: 1 }), result(ENOSYS)];
}

function refusals(machine: Machine): Instruction[] {
  const numbers = REFUSED.map((name) => machine.calls[name]).filter((number) => number !== undefined);
  return [
    ...numbers.flatMap((number) => when(number, [result(EPERM)])),
    ...when(machine.calls.clone3!, [result(ENOSYS)]),
  ];
}

/** Blocks of one call each: every one ends the filter. */
function arguments_({ calls }: Machine): Instruction[] {
  const flags = (bits: number) => [
    load(argument(0)),
    test(JUMP_ANY_BIT, bits, { no: 1 }),
    result(EPERM),
    result(ALLOW),
  ];
  const requests = [
    load(argument(1)),
    test(JUMP_EQUAL, TIOCSTI, { yes: 1 }),
    test(JUMP_EQUAL, TIOCLINUX, { no: 1 }),
    result(EPERM),
    result(ALLOW),
  ];
  return [
    ...when(calls.clone!, flags(NEW_NAMESPACES)),
    ...when(calls.unshare!, flags((NEW_NAMESPACES | NEW_TIME) >>> 0)),
    ...when(calls.ioctl!, requests),
  ];
}

function onlyLocalSockets({ calls }: Machine): Instruction[] {
  return when(calls.socket!, [
    load(argument(0)),
    test(JUMP_EQUAL, AF_UNIX, { yes: 3 }),
    test(JUMP_EQUAL, AF_NETLINK, { no: 3 }),
    load(argument(2)),
    test(JUMP_EQUAL, 0, { no: 1 }),
    result(ALLOW),
    result(EPERM),
  ]);
}

/** `block`, run for one system call only; the call's number must be loaded, and is so again for what follows. */
function when(number: number, block: readonly Instruction[]): Instruction[] {
  return [test(JUMP_EQUAL, number, { no: block.length }), ...block];
}

function load(value: number): Instruction {
  return { code: LOAD, value, yes: 0, no: 0 };
}

function result(value: number): Instruction {
  return { code: RETURN, value, yes: 0, no: 0 };
}

function test(code: number, value: number, skip: { readonly yes?: number; readonly no?: number }): Instruction {
  return { code, value, yes: skip.yes ?? 0, no: skip.no ?? 0 };
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [at, { code, value, yes, no }] of program.entries()) {
    bytes.writeUInt16LE(code, at * 8);
    bytes.writeUInt8(yes, at * 8 + 2);
    bytes.writeUInt8(no, at * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, at * 8 + 4);
  }
  return bytes;
}
