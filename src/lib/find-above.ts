import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The first of `names` that exists in the folder `from`, else in the folder above it, and so on to
 * the root: the built program and its sources find what ships with them alike.
 *
 * @param names paths relative to such a folder
 * @returns an absolute path; undefined where there is none
 */
export function findAbove(from: string, names: readonly string[]): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = names.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found !== undefined || folder === dirname(folder)) return found;
  }
}
