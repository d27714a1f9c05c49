import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Where programs are looked for; never in PATH, which is not ours. */
const DIRECTORIES = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin"];

/** What makes a display, by where it is. */
export interface DisplayTools {
  readonly setpriv: string;
  readonly xvfb: string;
}

/** Finds the tools, or says what to install. */
export function findDisplayTools():
  | DisplayTools
  | { readonly reason: string; readonly hint: string } {
  const [setpriv, xvfb] = [findProgram("setpriv"), findProgram("Xvfb")];
  if (xvfb === undefined) return missing("Xvfb", "xvfb");
  return setpriv === undefined ? missing("setpriv", "util-linux") : { setpriv, xvfb };
}

/** The path of an installed program. */
export function findProgram(name: string): string | undefined {
  return DIRECTORIES.map((directory) => join(directory, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function missing(program: string, from: string): { reason: string; hint: string } {
  return {
    reason: `the embedded desktop needs ${program}, which is not installed`,
    hint: `Install the package ${from} (for example: apt-get install ${from}) and restart.`,
  };
}
