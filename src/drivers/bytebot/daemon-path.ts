import { GatewayError } from "../../contract/errors.ts";
import { isDaemonPath } from "../../lib/daemon-input.ts";

/** Throws `path_not_allowed`, before anything is sent, for a path that ByteBot might misread. */
export function requireDaemonPath(path: string): void {
  const parts = path.split("/").slice(1);
  const isPlain = isDaemonPath(path) && !parts.includes(".") && !parts.includes("..");
  if (!isPlain) {
    throw new GatewayError(
      "path_not_allowed",
      "the path has a character that is not sent to ByteBot's desktop, whose shell could run it",
      { hint: "Use letters, digits, spaces and . _ - + , = @ % ~ ( ) [ ] in an absolute path." },
    );
  }
  if (parts.at(-1) === "") {
    throw new GatewayError("not_a_file", "the path names a directory", { hint: "Name a file." });
  }
}
