import { openSync, readdirSync, readFileSync } from "node:fs";

/** O_CLOEXEC as fdinfo writes flags, in octal (asm-generic/fcntl.h). */
const O_CLOEXEC = 0o2000000;

/**
 * A child's `stdio` with nothing on any descriptor that this process was itself started with and
 * would pass on: Node closes all it opened, but a directory held open by whoever started the
 * gateway would lead out of the sandbox.
 */
export function withoutInherited<T>(stdio: readonly T[]): (T | "ignore" | number)[] {
  const covered: (T | "ignore" | number)[] = [...stdio];
  for (const fd of inheritable()) {
    if (fd < stdio.length) continue;
    while (covered.length <= fd) covered.push("ignore");
    covered[fd] = nothing();
  }
  return covered;
}

/** They do not change: whatever Node opens itself is not inherited. */
let known: readonly number[] | undefined;

function inheritable(): readonly number[] {
  known ??= readdirSync("/proc/self/fd").map(Number).filter(isInherited);
  return known;
}

function isInherited(fd: number): boolean {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
    const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(info)?.[1] ?? "0", 8);
    return (flags & O_CLOEXEC) === 0;
  } catch {
    // The descriptor that listed the directory: closed again.
    return false;
  }
}

let devNull: number | undefined;

function nothing(): number {
  devNull ??= openSync("/dev/null", "r");
  return devNull;
}
