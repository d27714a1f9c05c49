import type { TaskView } from "../../src/contract/task.ts";

export interface PlaceChoice {
  readonly path: string;
  /** The file alone, rather than a folder and all below it. */
  readonly exact: boolean;
}

/** Where a grant may hold: what is proposed, and the plan's one file where that is narrower. */
export function placesOf({
  steps,
  grantable,
}: Pick<TaskView, "steps" | "grantable">): PlaceChoice[] {
  const proposed = grantable?.path_prefix;
  if (proposed === undefined) return [];
  const paths = new Set(steps.map(({ parameters }) => parameters.path));
  const [only] = paths;
  const narrower = paths.size === 1 && typeof only === "string" && only !== proposed;
  return [...(narrower ? [{ path: only, exact: true }] : []), { path: proposed, exact: false }];
}

/** Choices of minutes that policy allows; its bound is one of them. */
export function minutesUpTo(max: number): number[] {
  return [...new Set([5, 15, 30, 60, 240, 1440].filter((minutes) => minutes < max).concat(max))];
}
