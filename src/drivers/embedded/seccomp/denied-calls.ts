/** A processor that there is a filter for. */
export interface Processor {
  /** AUDIT_ARCH_… of linux/audit.h: what the kernel says a call was made in. */
  readonly audit: number;
  /** Its place in the rows of numbers. */
  readonly column: 0 | 1;
  /** Calls from here on are those of another ABI (x32). */
  readonly foreignFrom?: number;
}

/** By Node's names. */
export const PROCESSORS: Readonly<Record<string, Processor>> = {
  x64: { audit: 0xc000003e, column: 0, foreignFrom: 0x40000000 },
  arm64: { audit: 0xc00000b7, column: 1 },
};

/** Numbers of a system call, for x64 and arm64; undefined: there is no such call. */
type Numbers = readonly [number, number | undefined];

/** What no program of a sandbox needs, and what leads out of it or far into the kernel. */
export const DENIED_CALLS: Readonly<Record<string, Numbers>> = {
  // Keys of whoever started the gateway: key rings are inherited, and no namespace holds them.
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  // Other processes' memory and descriptors.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  // Mounts and namespaces.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  open_tree_attr: [467, 467],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  unshare: [272, 97],
  setns: [308, 268],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  fanotify_init: [300, 262],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  // Engines inside the kernel; io_uring would make sockets past this filter.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  // The machine itself.
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  syslog: [103, 116],
  move_pages: [279, 239],
  migrate_pages: [256, 238],
  lookup_dcookie: [212, 18],
  nfsservctl: [180, 42],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  modify_ldt: [154, undefined],
  uselib: [134, undefined],
  ustat: [136, undefined],
  sysfs: [139, undefined],
};

/** Calls whose arguments decide. */
export const JUDGED_CALLS = {
  clone: [56, 220],
  /** Its flags lie in memory, where a filter does not see them; programs fall back on clone. */
  clone3: [435, 435],
  socket: [41, 198],
  socketpair: [53, 199],
} as const satisfies Readonly<Record<string, Numbers>>;

/** The number of keyctl here; undefined: of this processor nothing is known. */
export function keyctlNumber(): number | undefined {
  const processor = PROCESSORS[process.arch];
  return processor && DENIED_CALLS.keyctl?.[processor.column];
}
