import { rmSync } from "node:fs";
import { opendir } from "node:fs/promises";
import type { Confinement } from "./confined-path.ts";
import { isLeftover } from "./staged-file.ts";

/** Levels below the root that are searched: as deep as a path may go. */
const MAX_DEPTH = 100;

/**
 * Removes what writes of an earlier run left unpublished when it was killed. Follows no links; what
 * cannot be entered is passed over. Ends early when the signal aborts.
 */
export async function sweepLeftovers(
  root: Confinement,
  signal: AbortSignal,
  path = "/",
  depth = 0,
): Promise<void> {
  const below: string[] = [];
  try {
    using directory = root.openDirectory(path);
    for await (const entry of await opendir(directory.self)) {
      if (signal.aborted) return;
      if (entry.isDirectory()) below.push(entry.name);
      else if (entry.isFile() && isLeftover(entry.name)) rmSync(directory.at(entry.name));
    }
  } catch {
    // Gone, or not ours to enter: nothing of ours is in there.
  }
  if (depth === MAX_DEPTH) return;
  for (const name of below) {
    await sweepLeftovers(root, signal, path === "/" ? `/${name}` : `${path}/${name}`, depth + 1);
  }
}
