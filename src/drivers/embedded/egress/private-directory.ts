import { chmodSync, chownSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Owner } from "../confined-path.ts";

/**
 * A directory that only its owner can enter, for a socket. Removes those that a killed run left
 * behind: where nobody listens any more.
 */
export async function openPrivateDirectory(
  prefix: string,
  owner: Owner | undefined,
): Promise<Disposable & { readonly path: string }> {
  await sweep(prefix, owner);
  const path = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(path, 0o700);
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A directory of this age without a socket is one that nobody will listen in; ms. */
const SETTLED = 60_000;

async function sweep(prefix: string, owner: Owner | undefined): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const path = join(tmpdir(), name);
    try {
      const stats = lstatSync(path);
      if (!stats.isDirectory() || stats.uid !== (owner?.uid ?? process.geteuid?.())) continue;
      const sockets = readdirSync(path);
      const isFresh = sockets.length === 0 && Date.now() - stats.mtimeMs < SETTLED;
      const heard = await Promise.all(sockets.map((socket) => isHeard(join(path, socket))));
      if (!isFresh && !heard.includes(true)) rmSync(path, { recursive: true, force: true });
    } catch {
      // Another gateway's, which has just ended.
    }
  }
}

function isHeard(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    const settle = (heard: boolean): void => {
      probe.destroy();
      resolve(heard);
    };
    probe.once("connect", () => settle(true)).once("error", () => settle(false));
  });
}
