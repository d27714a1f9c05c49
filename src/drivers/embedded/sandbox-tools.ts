import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { seccompFilter } from "./seccomp/seccomp-filter.ts";

/** Where the tools are looked for; never in PATH, which is not ours. */
const TOOL_DIRECTORIES = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin"];

/** The programs that make the sandbox, by where they are. */
export interface Tools {
  readonly setpriv: string;
  readonly bwrap: string;
  readonly prlimit: string;
}

const PACKAGES: Readonly<Record<keyof Tools, string>> = {
  setpriv: "util-linux",
  bwrap: "bubblewrap",
  prlimit: "util-linux",
};

/** Finds the tools, or says what to install. */
export function findTools(): Tools | { readonly reason: string; readonly hint: string } {
  if (seccompFilter({ unixSockets: false }) === undefined) {
    return {
      reason: `the sandbox has no filter of system calls for this processor (${process.arch})`,
      hint: "Run the gateway on x64 or arm64.",
    };
  }
  const found: Partial<Record<keyof Tools, string>> = {};
  for (const [name, from] of Object.entries(PACKAGES) as [keyof Tools, string][]) {
    const place = findProgram(name);
    if (place === undefined) {
      return {
        reason: `the sandbox needs ${name}, which is not installed`,
        hint: `Install the package ${from} (for example: apt-get install ${from}) and restart.`,
      };
    }
    found[name] = place;
  }
  return found as Tools;
}

/** The path of an installed program, as the sandbox sees it too. */
export function findProgram(name: string): string | undefined {
  return TOOL_DIRECTORIES.map((directory) => join(directory, name)).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
