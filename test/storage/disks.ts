import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Gateway } from "../support/gateway.ts";

/** Something to keep DATA_DIR on that stops taking writes, and takes them again. */
export interface Disk extends Disposable {
  readonly dataDir: string;
  /** Refuses what is written from now on; call again to take back what was freed meanwhile. */
  fill(gateway: Gateway): void;
  free(gateway: Gateway): void;
}

/** A small file system of its own that really is full. */
export function mountSmallDisk(): Disk {
  const folder = mkdtempSync(join(tmpdir(), "bytebot-gateway-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m,mode=755", "none", folder]);
  const ballast = join(folder, "ballast");
  return {
    dataDir: join(folder, "data"),
    fill: () => fillUp(ballast),
    free: () => rmSync(ballast),
    [Symbol.dispose]() {
      execFileSync("umount", ["--lazy", folder]);
      rmSync(folder, { recursive: true });
    },
  };
}

/** An ordinary folder, and a limit on what the process may write to a file. */
export function limitFileSize(): Disk {
  const folder = mkdtempSync(join(tmpdir(), "bytebot-gateway-disk-"));
  const limit = ({ pid }: Gateway, size: string) =>
    execFileSync("prlimit", [`--pid=${pid}`, `--fsize=${size}`]);
  return {
    dataDir: join(folder, "data"),
    fill: (gateway) => limit(gateway, "1:unlimited"),
    free: (gateway) => limit(gateway, "unlimited"),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

export function works(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Only root mounts, and not in every container. */
export const canMount = works("unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt");
export const canLimit = works("prlimit", "--version");

/** To the last byte: a write that fits partly is followed by smaller ones. */
function fillUp(file: string): void {
  const descriptor = openSync(file, "a");
  try {
    for (let size = 64 * 1024; size >= 1; ) {
      try {
        writeSync(descriptor, Buffer.alloc(size, 1));
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(descriptor);
  }
}
