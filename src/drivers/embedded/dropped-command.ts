import type { Owner } from "./confined-path.ts";

/**
 * The kernel tells nobody of a parent that had died before it was asked to: the shell looks once
 * more, whose child it is, and becomes the program.
 */
const UNLESS_ORPHANED = '[ "$PPID" = "$0" ] || exit 1; exec "$@"';

/**
 * The argument list that runs a command as another user, where there is one, without privileges, and
 * so that it dies with the gateway: even where that is killed in the middle of the start.
 */
export function droppedCommand(
  setpriv: string,
  owner: Owner | undefined,
  command: readonly string[],
): string[] {
  const drop =
    owner === undefined ? [] : [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"];
  return [
    setpriv,
    ...drop,
    "--no-new-privs",
    "--pdeathsig=KILL",
    "--",
    ...["/bin/sh", "-c", UNLESS_ORPHANED, String(process.pid)],
    ...command,
  ];
}
