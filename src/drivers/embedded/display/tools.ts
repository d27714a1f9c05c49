import { findProgram } from "../sandbox-tools.ts";

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

function missing(program: string, from: string): { reason: string; hint: string } {
  return {
    reason: `the embedded desktop needs ${program}, which is not installed`,
    hint: `Install the package ${from} (for example: apt-get install ${from}) and restart.`,
  };
}
