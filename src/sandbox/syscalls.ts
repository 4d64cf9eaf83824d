/** What a filter needs to know of a machine: its number in the kernel's audit interface, and its system calls' numbers. */
export interface Machine {
  readonly audit: number;
  /** System calls from this number on are of a second table that must not be a way around the first (x32). */
  readonly foreign: number | undefined;
  readonly calls: Readonly<Record<string, number>>;
}

/** From Linux 5.1 on new calls have one number on every machine. */
const EVERYWHERE = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  clone3: 435,
  pidfd_getfd: 438,
  mount_setattr: 442,
} as const;

/** From Linux's asm/unistd_64.h. */
const X86_64: Machine = {
  audit: 0xc000003e,
  foreign: 0x40000000,
  calls: {
    ioctl: 16,
    socket: 41,
    clone: 56,
    ptrace: 101,
    syslog: 103,
    pivot_root: 155,
    chroot: 161,
    acct: 163,
    mount: 165,
    umount2: 166,
    swapon: 167,
    swapoff: 168,
    reboot: 169,
    iopl: 172,
    ioperm: 173,
    init_module: 175,
    delete_module: 176,
    kexec_load: 246,
    add_key: 248,
    request_key: 249,
    keyctl: 250,
    unshare: 272,
    perf_event_open: 298,
    open_by_handle_at: 304,
    setns: 308,
    process_vm_readv: 310,
    process_vm_writev: 311,
    finit_module: 313,
    kexec_file_load: 320,
    bpf: 321,
    userfaultfd: 323,
    ...EVERYWHERE,
  },
};

/** From Linux's asm-generic/unistd.h. */
const ARM64: Machine = {
  audit: 0xc00000b7,
  foreign: undefined,
  calls: {
    ioctl: 29,
    umount2: 39,
    mount: 40,
    pivot_root: 41,
    chroot: 51,
    acct: 89,
    unshare: 97,
    kexec_load: 104,
    init_module: 105,
    delete_module: 106,
    syslog: 116,
    ptrace: 117,
    reboot: 142,
    socket: 198,
    add_key: 217,
    request_key: 218,
    keyctl: 219,
    clone: 220,
    swapon: 224,
    swapoff: 225,
    perf_event_open: 241,
    open_by_handle_at: 265,
    setns: 268,
    process_vm_readv: 270,
    process_vm_writev: 271,
    finit_module: 273,
    bpf: 280,
    userfaultfd: 282,
    kexec_file_load: 294,
    ...EVERYWHERE,
  },
};

/** By Node's `process.arch`. */
export const MACHINES: Readonly<Record<string, Machine>> = { x64: X86_64, arm64: ARM64 };
