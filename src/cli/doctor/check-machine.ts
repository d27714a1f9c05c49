import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Config } from "../../config/config.ts";
import { sizeText } from "../print-outcome.ts";
import type { Session } from "../session.ts";
import { type Finding, fault, ok, warning } from "./finding.ts";

const MIN_NODE = 24;
const MEGABYTE = 1024 * 1024;
/** Free space below which the audit log, and with it every action, may stop at any moment. */
const SPACE_FAULT = 50 * MEGABYTE;
const SPACE_WARNING = 1024 * MEGABYTE;

/** The Node this runs on. */
export async function checkNode(): Promise<Finding[]> {
  const version = process.versions.node;
  return Number.parseInt(version, 10) >= MIN_NODE
    ? [ok("node", `Node ${version}`)]
    : [fault("node", `Node ${version} is too old`, `Install Node ${MIN_NODE} or newer.`)];
}

/** What `shell.run` is confined with. Whether it works here the gateway tests itself at its start. */
export async function checkBubblewrap({ shell }: Session): Promise<Finding[]> {
  try {
    const env = { PATH: shell.env.PATH };
    const { stdout } = await promisify(execFile)("bwrap", ["--version"], { env, timeout: 5000 });
    return [ok("bubblewrap", stdout.trim())];
  } catch {
    const detail = "bwrap was not found: shell.run is not offered";
    return [warning("bubblewrap", detail, "Install it: apt-get install bubblewrap")];
  }
}

/** What the embedded desktop is shown on. */
export async function checkXvfb({ shell }: Session): Promise<Finding[]> {
  const folders = (shell.env.PATH ?? "").split(delimiter);
  const isThere = folders.some((folder) => existsSync(join(folder, "Xvfb")));
  if (isThere) return [ok("Xvfb", "the embedded driver has a screen")];
  const detail = "Xvfb was not found: the embedded driver has no screen";
  return [warning("Xvfb", detail, "Install it: apt-get install xvfb openbox chromium")];
}

/** Room for the database and for files. */
export async function checkSpace(config: Config): Promise<Finding[]> {
  const places = [
    ["DATA_DIR", config.dataDir],
    ["WORKDIR", config.workdir],
  ] as const;
  return Promise.all(places.map(([name, path]) => spaceOf(name, path)));
}

async function spaceOf(name: string, path: string): Promise<Finding> {
  const { bavail, bsize } = await statfsOfExisting(path);
  const free = bavail * bsize;
  const detail = `${sizeText(free)} free for ${name}`;
  const hint = `Make room on the disk of ${path}: without it nothing is recorded, and so nothing runs.`;
  if (free < SPACE_FAULT) return fault("disk space", detail, hint);
  return free < SPACE_WARNING ? warning("disk space", detail, hint) : ok("disk space", detail);
}

/** Of the nearest folder above that exists. */
async function statfsOfExisting(path: string): Promise<{ bavail: number; bsize: number }> {
  try {
    return await statfs(path);
  } catch (error) {
    if (dirname(path) === path) throw error;
    return statfsOfExisting(dirname(path));
  }
}
