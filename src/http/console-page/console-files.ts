import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { findAbove } from "../../lib/find-above.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Best first; each stands beside its file as the build made it. */
const ENCODINGS = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;

export interface ConsoleFile {
  readonly bytes: Buffer;
  readonly type: string;
  /** Absent: as it is. */
  readonly encoding?: string;
}

/** The built page of the console. Only the files that were there when it was opened are served. */
export class ConsoleFiles {
  readonly #folder: string;
  readonly #names: ReadonlySet<string>;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#names = new Set(readdirSync(folder, { recursive: true, encoding: "utf8" }));
  }

  /** Looks beside the program, or in dist/ above its sources; undefined where it was not built. */
  static find(from: string = import.meta.dirname): ConsoleFiles | undefined {
    const assets = findAbove(from, ["console/assets", "dist/console/assets"]);
    return assets === undefined ? undefined : new ConsoleFiles(dirname(assets));
  }

  /** @param accepted the request's Accept-Encoding */
  async read(name: string, accepted: string | undefined): Promise<ConsoleFile | undefined> {
    const type = TYPES[extname(name)];
    if (type === undefined || !this.#names.has(name)) return undefined;
    const [encoding, suffix = ""] =
      ENCODINGS.find(
        ([coding, end]) => accepts(accepted ?? "", coding) && this.#names.has(name + end),
      ) ?? [];
    const bytes = await readFile(join(this.#folder, name + suffix));
    return { bytes, type, ...(encoding !== undefined && { encoding }) };
  }
}

/** RFC 9110, section 12.5.3, as far as a named coding goes. */
function accepts(header: string, coding: string): boolean {
  return header.split(",").some((part) => {
    const [name = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    return name === coding && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}
