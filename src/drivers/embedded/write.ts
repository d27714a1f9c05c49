import { rmdirSync } from "node:fs";
import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import type { StepIo } from "../../tasks/driver.ts";
import { ABSENT, bindingOf, holdTo } from "../files/file-state.ts";
import { requireSize } from "../files/require-size.ts";
import { fileExists, writeRequestOf } from "../files/write-request.ts";
import { throwIfAborted } from "../step/aborted.ts";
import type { Confinement, Owner } from "./confined-path.ts";
import { chunksOf, sizeOf } from "./file-bytes.ts";
import { examine, type Target } from "./file-state.ts";
import { parentOf, type SplitPath, splitPath } from "./split-path.ts";
import { StagedFile, syncDirectory } from "./staged-file.ts";

/** Where files are written, and whose they become. */
export interface Site {
  readonly root: Confinement;
  readonly owner: Owner | undefined;
}

/**
 * `fs.write`: `path, content, encoding?, mode?` → `{path, size, sha256}`. The file is there as a
 * whole or as it was before; missing directories are made.
 *
 * Throws `file_exists` in mode create, `state_changed` where `bound` no longer holds,
 * `file_too_large` (append: for the whole file), `not_a_file`, `path_not_allowed`.
 */
export async function writeFile(
  site: Site,
  parameters: Parameters,
  bound: Readonly<Record<string, string>>,
  io: StepIo,
): Promise<Record<string, unknown>> {
  const { path, mode, content } = writeRequestOf(parameters);
  throwIfAborted(io.signal);
  requireSize(content.length, io.maxFileSize, path);
  using target = await examine(site.root, path, io.maxFileSize, () => {}, io.signal);
  holdTo(bound, path, target);
  if (mode === "create" && target.file !== undefined) throw fileExists(path);
  async function* newContent(): AsyncGenerator<Uint8Array> {
    if (mode === "append" && target.file !== undefined) {
      requireSize(sizeOf(target.file) + content.length, io.maxFileSize, path);
      yield* chunksOf(target.file, 0, sizeOf(target.file), io.signal);
    }
    yield content;
  }
  try {
    return await replaceFile(site, path, target, newContent(), io.signal);
  } catch (error) {
    // A rival was quicker. Only who asked to create, with nothing bound, is told just that.
    const isAsked = mode === "create" && bound[bindingOf(path)] !== ABSENT;
    if (isAsked || !isCode(error, "file_exists")) throw error;
    throw new GatewayError(
      "state_changed",
      `${path} was created by somebody else meanwhile`,
      {
        hint: "Plan again: the new preview shows the file as it is now.",
      },
      error,
    );
  }
}

/**
 * Publishes new content at a path in place of `target`, keeping the permission bits of what it
 * replaces. Until then nothing shows of it, and on failure nothing stays.
 */
export async function replaceFile(
  site: Site,
  path: string,
  target: Target,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<{ path: string; size: number; sha256: string }> {
  const split = splitPath(path);
  const made: string[] = [];
  try {
    using directory = site.root.openDirectory(parentOf(split), (part) => made.push(part));
    const mode = target.file && Number(target.file.stats.mode & 0o777n);
    await using staged = await StagedFile.create(directory, path, site.owner, mode);
    for await (const chunk of content) await staged.write(chunk);
    await staged.settle();
    throwIfAborted(signal);
    const published = await staged.publish(nameOf(split), target.file);
    await syncParents(site.root, made);
    return { path, ...published };
  } catch (error) {
    if (!isCode(error, "outcome_unknown")) unmake(site.root, made);
    throw error;
  }
}

function nameOf({ name }: SplitPath): string {
  if (name !== undefined) return name;
  throw new GatewayError("not_a_file", "/ is a directory", { hint: "Name a file in it." });
}

function isCode(error: unknown, code: GatewayError["code"]): boolean {
  return error instanceof GatewayError && error.code === code;
}

async function syncParents(root: Confinement, made: readonly string[]): Promise<void> {
  for (const path of made) {
    using directory = root.openDirectory(parentOf(splitPath(path)));
    await syncDirectory(directory, path);
  }
}

/** Takes back directories that were made for a file that did not come to be. */
function unmake(root: Confinement, made: readonly string[]): void {
  for (const path of made.toReversed()) {
    try {
      const split = splitPath(path);
      using directory = root.openDirectory(parentOf(split));
      rmdirSync(directory.at(nameOf(split)));
    } catch {
      // Somebody else uses it by now, or moved it: then it stays.
      return;
    }
  }
}
