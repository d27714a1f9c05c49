import { posix } from "node:path";

const HOME = "/home/user/Desktop";

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".txt": "text/plain",
  ".md": "text/markdown",
  ".json": "application/json",
  ".csv": "text/csv",
  ".html": "text/html",
  ".png": "image/png",
  ".pdf": "application/pdf",
};

export interface FileAnswer {
  readonly success: boolean;
  readonly message?: string;
  readonly [field: string]: unknown;
}

/**
 * The files of the desktop, in memory. As in ByteBot a path is put between double quotes into a root
 * shell's command line; here what that shell would have run is only written down.
 */
export class DaemonFiles {
  readonly files = new Map<string, Buffer>();
  readonly directories = new Set(["/", "/tmp", "/home", "/home/user", HOME, "/root", "/etc"]);
  /** Symbolic links, each with where it leads. */
  readonly links = new Map<string, string>();
  /** Commands that paths brought into the shell. */
  readonly injected: string[] = [];
  /** Directories whose mode a write has changed to that of a file. */
  readonly spoiltDirectories: string[] = [];

  write(path: string, data: string): FileAnswer {
    const target = this.#follow(path);
    // Nothing that is not base64 is refused: what can be read as it counts.
    const bytes = Buffer.from(data, "base64");
    if (this.directories.has(target)) {
      this.files.set(posix.join(target, "bytebot_temp"), bytes);
      this.spoiltDirectories.push(target);
    } else {
      this.#makeDirectories(posix.dirname(target));
      this.files.set(target, bytes);
    }
    return { success: true, message: `File written successfully to: ${path}` };
  }

  read(path: string): FileAnswer {
    const target = this.#follow(path);
    const bytes = this.files.get(target);
    if (bytes === undefined) {
      const why = this.directories.has(target)
        ? `-r not specified; omitting directory '${target}'`
        : `cannot stat '${target}': No such file or directory`;
      return {
        success: false,
        message: `Error reading file: Command failed: sudo cp "${target}" "/tmp/bytebot_temp"\ncp: ${why}\n`,
      };
    }
    return {
      success: true,
      data: bytes.toString("base64"),
      name: posix.basename(target),
      size: bytes.length,
      mediaType: MEDIA_TYPES[posix.extname(target)] ?? "application/octet-stream",
    };
  }

  /** The file's text, for tests. */
  text(path: string): string | undefined {
    return this.files.get(path)?.toString();
  }

  #follow(path: string): string {
    const resolved = posix.resolve(HOME, this.#throughShell(path));
    const parts = resolved.split("/").filter((part) => part !== "");
    return parts.reduce((at, part) => {
      const next = posix.join(at, part);
      const link = this.links.get(next);
      return link === undefined ? next : posix.resolve(at, link);
    }, "/");
  }

  /** What is left of a path when `"path"` has been read by a shell. */
  #throughShell(path: string): string {
    const note = (_whole: string, command: string) => {
      this.injected.push(command);
      return "";
    };
    const quoted = path.replace(/\$\(([^)]*)\)?/g, note).replace(/`([^`]*)`?/g, note);
    const end = quoted.search(/(?<!\\)"/);
    if (end >= 0) this.injected.push(quoted.slice(end + 1));
    return (end >= 0 ? quoted.slice(0, end) : quoted).replace(/\\(["\\$`])/g, "$1");
  }

  #makeDirectories(directory: string): void {
    for (let at = directory; !this.directories.has(at); at = posix.dirname(at))
      this.directories.add(at);
  }
}
