import { constants } from "node:os";
import { DENIED_CALLS, JUDGED_CALLS, PROCESSORS } from "./denied-calls.ts";

/** Address families (sys/socket.h). */
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const NETLINK_ROUTE = 0;

/** Socket types; the flags beside them are masked out. */
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
const SOCK_TYPE_MASK = 0xf;

/** Every CLONE_NEW… of sched.h that clone takes. */
const NEW_NAMESPACES = 0x7e020000;

/** Instructions of classic BPF (linux/bpf_common.h). */
const LOAD = 0x20;
const AND = 0x54;
const IF_EQUAL = 0x15;
const IF_AT_LEAST = 0x35;
const IF_ANY_BIT = 0x45;
const RETURN = 0x06;

/** Where struct seccomp_data has its members; of arguments the low half counts, both being little-endian. */
const NUMBER = 0;
const PROCESSOR = 4;
const argument = (index: number): number => 16 + 8 * index;

const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const failWith = (errno: number): number => 0x00050000 | errno;

const { EPERM, ENOSYS, EAFNOSUPPORT } = constants.errno;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];
const load = (offset: number): Instruction => [LOAD, 0, 0, offset];
const answer = (value: number): Instruction => [RETURN, 0, 0, value];

/** Runs the body where the loaded value passes the test, else jumps past it. */
const when = (code: number, value: number, body: readonly Instruction[]): Instruction[] => [
  [code, 0, body.length, value],
  ...body,
];

export interface FilterOptions {
  /**
   * Whether sockets with a path can be made. Without, a program has only pairs that are connected
   * already: it can neither serve nor reach a program of another sandbox through a shared directory.
   */
  readonly unixSockets: boolean;
}

/**
 * The filter for system calls as `bwrap --seccomp` takes it: a program of classic BPF. Denies calls
 * with EPERM, families of sockets with EAFNOSUPPORT; ends programs of another architecture, whose calls
 * have other numbers. undefined: there is none for this processor.
 */
export function seccompFilter(
  { unixSockets }: FilterOptions,
  architecture: string = process.arch,
): Uint8Array | undefined {
  const processor = Object.hasOwn(PROCESSORS, architecture) ? PROCESSORS[architecture] : undefined;
  if (processor === undefined) return undefined;
  const { audit, column, foreignFrom } = processor;
  const numberOf = (name: keyof typeof JUDGED_CALLS): number => JUDGED_CALLS[name][column];
  const denied = Object.values(DENIED_CALLS).flatMap((numbers) => numbers[column] ?? []);
  return assemble([
    load(PROCESSOR),
    [IF_EQUAL, 1, 0, audit],
    answer(KILL_PROCESS),
    load(NUMBER),
    ...(foreignFrom === undefined
      ? []
      : when(IF_AT_LEAST, foreignFrom, [answer(failWith(ENOSYS))])),
    ...denied.flatMap((number) => when(IF_EQUAL, number, [answer(failWith(EPERM))])),
    ...when(IF_EQUAL, numberOf("clone3"), [answer(failWith(ENOSYS))]),
    ...when(IF_EQUAL, numberOf("clone"), [
      load(argument(0)),
      ...when(IF_ANY_BIT, NEW_NAMESPACES, [answer(failWith(EPERM))]),
      answer(ALLOW),
    ]),
    ...when(IF_EQUAL, numberOf("socket"), socketRules(unixSockets)),
    ...when(IF_EQUAL, numberOf("socketpair"), pairRules(unixSockets)),
    answer(ALLOW),
  ]);
}

/** Internet within the sandbox's own network, its interfaces, and unix sockets where they are wanted. */
function socketRules(unixSockets: boolean): Instruction[] {
  const families = [AF_INET, AF_INET6, ...(unixSockets ? [AF_UNIX] : [])];
  return [
    load(argument(0)),
    ...families.flatMap((family) => when(IF_EQUAL, family, [answer(ALLOW)])),
    ...when(IF_EQUAL, AF_NETLINK, [
      load(argument(2)),
      ...when(IF_EQUAL, NETLINK_ROUTE, [answer(ALLOW)]),
    ]),
    answer(failWith(EAFNOSUPPORT)),
  ];
}

/** One end of a pair of datagram sockets could be sent from, or bound, to any path. */
function pairRules(unixSockets: boolean): Instruction[] {
  const types = [SOCK_STREAM, SOCK_SEQPACKET, ...(unixSockets ? [SOCK_DGRAM] : [])];
  return [
    load(argument(0)),
    [IF_EQUAL, 1, 0, AF_UNIX],
    answer(failWith(EAFNOSUPPORT)),
    load(argument(1)),
    [AND, 0, 0, SOCK_TYPE_MASK],
    ...types.flatMap((type) => when(IF_EQUAL, type, [answer(ALLOW)])),
    answer(failWith(EAFNOSUPPORT)),
  ];
}

/** struct sock_filter: u16 code, u8 jt, u8 jf, u32 k. */
function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, ifTrue, ifFalse, value], at) => {
    bytes.writeUInt16LE(code, at * 8);
    bytes.writeUInt8(ifTrue, at * 8 + 2);
    bytes.writeUInt8(ifFalse, at * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, at * 8 + 4);
  });
  return bytes;
}
