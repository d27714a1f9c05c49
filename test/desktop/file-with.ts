import { readFileSync, watch } from "node:fs";
import { dirname } from "node:path";

/** Resolves once a file of an existing folder has this content. */
export function fileWith(file: string, content: string): Promise<void> {
  return fileMatching(file, (text) => text === content);
}

/** Resolves once a file of an existing folder is there and its content is accepted. */
export async function fileMatching(
  file: string,
  accept: (content: string) => boolean,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    const text = read(file);
    if (text !== undefined && accept(text)) resolve();
  };
  const watcher = watch(dirname(file), look);
  look();
  await promise.finally(() => watcher.close());
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
