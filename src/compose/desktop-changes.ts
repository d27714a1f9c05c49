import type { Driver } from "../tasks/driver.ts";

/**
 * Calls `changed` when what a desktop can do has become known after its start: until its self-tests
 * are over, it performs less. Desktops that can do the same from the start change nothing.
 */
export function watchDesktops(
  desktops: readonly { readonly driver: Pick<Driver, "ready"> }[],
  changed: () => void,
  failed: (error: unknown) => void,
): void {
  for (const { driver } of desktops) driver.ready?.then(changed).catch(failed);
}
