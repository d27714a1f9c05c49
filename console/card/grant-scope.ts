import type { Grantable } from "../../src/contract/task.ts";

/** The path itself and the folders above it, narrowest first; never the root. */
export function prefixesOf({ path_prefix: path }: Grantable): string[] {
  if (path === undefined) return [];
  const parts = path.split("/").filter((part) => part !== "");
  return parts.map((_part, index) => `/${parts.slice(0, parts.length - index).join("/")}`);
}

/** Choices of minutes that policy allows; its bound is one of them. */
export function minutesUpTo(max: number): number[] {
  return [...new Set([5, 15, 30, 60, 240, 1440].filter((minutes) => minutes < max).concat(max))];
}
