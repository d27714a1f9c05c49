import { readFileSync, watch } from "node:fs";
import { dirname } from "node:path";

/** Resolves once a file of an existing folder has this content. */
export async function fileWith(file: string, content: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (read(file) === content) resolve();
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
