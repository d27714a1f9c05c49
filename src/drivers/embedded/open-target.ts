import { GatewayError } from "../../contract/errors.ts";
import type { Confinement, WorldFile } from "./confined-path.ts";
import { parentOf, splitPath } from "./split-path.ts";

/** Opens the regular file at a path; throws `file_not_found` where there is none. */
export function openTarget(confinement: Confinement, path: string): WorldFile {
  const file = findTarget(confinement, path);
  if (file !== undefined) return file;
  throw new GatewayError("file_not_found", `${path} does not exist`, {
    hint: "fs.list shows what is there.",
  });
}

/** Opens the regular file at a path; undefined where it or a directory on the way is missing. */
export function findTarget(confinement: Confinement, path: string): WorldFile | undefined {
  const split = splitPath(path);
  if (split.name === undefined) {
    throw new GatewayError("not_a_file", `${path} is a directory`, {
      hint: "Name a file; fs.list reads a directory.",
    });
  }
  try {
    using directory = confinement.openDirectory(parentOf(split));
    return confinement.openFile(directory, split.name, path);
  } catch (error) {
    if (error instanceof GatewayError && error.code === "file_not_found") return undefined;
    throw error;
  }
}
