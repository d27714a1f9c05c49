import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** `file:///x/dist/main.js:1:234` or `/x/dist/main.js:1:234`, as V8 writes places into a stack. */
const PLACE = /((?:file:\/\/)?\/[^()\n]+?\.js):(\d+):(\d+)/g;

/** Maps that were needed so far, by file; undefined for a file without one. */
const maps = new Map<string, SourceMap | undefined>();

/**
 * A stack trace of the built program with the places in its sources. Maps are read when the first
 * trace needs them: Node's own option for it reads them all at the start, which costs 17 MB.
 * What has no map stays as it is. Never throws.
 */
export function toSourceStack(stack: string): string {
  return stack.replaceAll(PLACE, (place, name: string, line: string, column: string) => {
    try {
      const file = name.startsWith("file:") ? fileURLToPath(name) : name;
      if (!maps.has(file)) maps.set(file, readMap(`${file}.map`));
      // A trace counts from 1, the map from 0.
      const entry = maps.get(file)?.findEntry(Number(line) - 1, Number(column) - 1);
      if (entry === undefined || !("originalSource" in entry)) return place;
      const source = resolve(dirname(file), entry.originalSource);
      return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    } catch {
      return place;
    }
  });
}

function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}
