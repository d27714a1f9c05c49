import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { DENIED_CALLS, JUDGED_CALLS } from "./denied-calls.ts";
import { seccompFilter } from "./seccomp-filter.ts";

const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
type Name = keyof typeof AUDIT;

const { EPERM, ENOSYS, EAFNOSUPPORT } = constants.errno;
const ACTIONS: Readonly<Record<number, string>> = { 2147418112: "allow", 2147483648: "kill" };

/** What the kernel would answer: a program of classic BPF, run on struct seccomp_data. */
function judge(
  program: Uint8Array,
  audit: number,
  number: number,
  args: readonly number[],
): string {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(audit, 4);
  args.forEach((value, at) => {
    data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 16 + 8 * at);
  });
  const code = Buffer.from(program);
  let accumulator = 0;
  for (let at = 0; at * 8 < code.length; at++) {
    const [operation, yes, no, value] = [
      code.readUInt16LE(at * 8),
      code.readUInt8(at * 8 + 2),
      code.readUInt8(at * 8 + 3),
      code.readUInt32LE(at * 8 + 4),
    ];
    const jump = (holds: boolean) => {
      at += holds ? yes : no;
    };
    if (operation === 0x20) accumulator = data.readUInt32LE(value);
    else if (operation === 0x54) accumulator = (accumulator & value) >>> 0;
    else if (operation === 0x15) jump(accumulator === value);
    else if (operation === 0x35) jump(accumulator >= value);
    else if (operation === 0x45) jump((accumulator & value) !== 0);
    else if (operation === 0x06) return ACTIONS[value] ?? `errno ${value & 0xffff}`;
    else throw new Error(`unknown instruction ${operation}`);
  }
  throw new Error("the program has no end");
}

const denied = `errno ${EPERM}`;
const noFamily = `errno ${EAFNOSUPPORT}`;

describe.each<Name>(["x64", "arm64"])("I11 the filter for %s", (name) => {
  const column = name === "x64" ? 0 : 1;
  const filters = [true, false].map((unixSockets) => seccompFilter({ unixSockets }, name));
  const [desktop = new Uint8Array(), command = new Uint8Array()] = filters;
  const of = (program: Uint8Array, call: keyof typeof JUDGED_CALLS, ...args: number[]) =>
    judge(program, AUDIT[name], JUDGED_CALLS[call][column], args);

  test("denies each call of its list and allows its neighbours", () => {
    const numbers = Object.values(DENIED_CALLS).flatMap((row) => row[column] ?? []);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.length).toBeGreaterThan(40);
    for (const number of numbers) {
      expect([number, judge(command, AUDIT[name], number, [])]).toEqual([number, denied]);
    }
    const judged = Object.values(JUDGED_CALLS).map((row): number => row[column]);
    const others = Array.from({ length: 460 }, (_, number) => number).filter(
      (number) => !numbers.includes(number) && !judged.includes(number),
    );
    for (const number of others) {
      expect([number, judge(command, AUDIT[name], number, [1, 2, 3])]).toEqual([number, "allow"]);
    }
  });

  test("ends programs of another architecture, and knows no calls of another ABI", () => {
    const other = name === "x64" ? AUDIT.arm64 : AUDIT.x64;
    expect(judge(desktop, other, 0, [])).toBe("kill");
    expect(judge(desktop, 0x40000003, 250, [])).toBe("kill");
    if (name === "x64") {
      expect(judge(desktop, AUDIT.x64, 0x40000000 + 41, [40])).toBe(`errno ${ENOSYS}`);
    }
  });

  test("allows threads and processes, and no namespaces", () => {
    expect(of(desktop, "clone", 0x3d0f00)).toBe("allow");
    expect(of(desktop, "clone", 17)).toBe("allow");
    for (const flag of [
      0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
    ]) {
      expect([flag, of(desktop, "clone", flag + 17)]).toEqual([flag, denied]);
    }
    expect(of(desktop, "clone3", 0, 88)).toBe(`errno ${ENOSYS}`);
  });

  test("allows few families of sockets, and to commands none with a path", () => {
    for (const program of [desktop, command]) {
      for (const family of [2, 10]) expect(of(program, "socket", family, 1, 0)).toBe("allow");
      expect(of(program, "socket", 16, 3, 0)).toBe("allow");
      for (const protocol of [4, 7, 12, 15]) {
        expect(of(program, "socket", 16, 3, protocol)).toBe(noFamily);
      }
      // AF_ALG, AF_VSOCK, AF_PACKET, AF_KEY, AF_RDS, AF_TIPC, AF_XDP.
      for (const family of [38, 40, 17, 15, 21, 30, 44]) {
        expect([family, of(program, "socket", family, 1, 0)]).toEqual([family, noFamily]);
        expect(of(program, "socketpair", family, 1, 0)).toBe(noFamily);
      }
      const flags = 0x80000 | 0x800;
      expect(of(program, "socketpair", 1, 1 | flags, 0)).toBe("allow");
      expect(of(program, "socketpair", 1, 5, 0)).toBe("allow");
    }
    expect(of(desktop, "socket", 1, 1, 0)).toBe("allow");
    expect(of(desktop, "socketpair", 1, 2, 0)).toBe("allow");
    expect(of(command, "socket", 1, 1, 0)).toBe(noFamily);
    // The upper half of an argument is not the kernel's to read either.
    expect(of(command, "socket", 2 ** 32 + 1, 1, 0)).toBe(noFamily);
    for (const type of [2, 3, 2 | 0x80000]) {
      expect(of(command, "socketpair", 1, type, 0)).toBe(noFamily);
    }
  });
});

test("there is none for another processor", () => {
  for (const name of ["ia32", "riscv64", "toString"]) {
    expect(seccompFilter({ unixSockets: true }, name)).toBeUndefined();
  }
});
