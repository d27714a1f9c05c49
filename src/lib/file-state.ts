import { statSync } from "node:fs";

/** The state of a file that is not there. */
export const MISSING = "missing";

/** Changes with every write, also one that puts the same bytes there. Never throws. */
export function fileState(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    return code === "ENOENT" || code === "ENOTDIR" ? MISSING : code;
  }
}
