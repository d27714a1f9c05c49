import { dirname, join } from "node:path";
import { findAbove } from "../lib/find-above.ts";

/**
 * How the server's process is started: start.sh, `serve` and the benchmarks take it from here, and a
 * test holds the Dockerfile and the systemd unit to it.
 */

/** Options of Node. */
export const NODE_OPTIONS: readonly string[] = [
  // A burst of work must not leave a large young generation behind.
  "--max-semi-space-size=4",
  // For the collection while nobody asks anything (src/compose/collect-when-idle.ts).
  "--expose-gc",
];

/** Variables for the C library: memory that a burst of work needed goes back to the system. */
export const MEMORY_VARIABLES: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_TRIM_THRESHOLD_: "131072",
};

type Environment = Readonly<Record<string, string | undefined>>;

export interface Launch {
  /** Words after the path of Node. */
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}

/** Starts `main` (absolute path of main.js or main.ts); what `environment` sets holds. */
export function launch(main: string, environment: Environment): Launch {
  const given = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return {
    args: [...NODE_OPTIONS, main],
    env: {
      ...MEMORY_VARIABLES,
      // What V8 compiled last time saves 60 ms of a start. A folder that cannot be written is passed over.
      NODE_COMPILE_CACHE: join(dirname(main), ".compile-cache"),
      ...Object.fromEntries(given),
    },
  };
}

/** The service's entry, seen from a file of the built program or of the sources. */
export function findMain(from: string = import.meta.dirname): string {
  const main = findAbove(from, ["main.js", "main.ts"]);
  if (main === undefined) throw new Error(`there is no main.js above ${from}`);
  return main;
}
