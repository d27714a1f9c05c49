const MAX_PATH_BYTES = 4096;
const MAX_COMPONENT_BYTES = 255;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Why the text cannot be a path here, or undefined. */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "a path cannot be empty";
  if (!path.isWellFormed()) return "a path cannot hold a lone surrogate";
  if (CONTROL.test(path)) return "a path cannot hold control characters";
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `a path has at most ${MAX_PATH_BYTES} bytes`;
  const long = path.split("/").some((part) => Buffer.byteLength(part) > MAX_COMPONENT_BYTES);
  return long ? `a name in a path has at most ${MAX_COMPONENT_BYTES} bytes` : undefined;
}

/**
 * The absolute path with `.`, `..`, doubled and trailing slashes resolved, as POSIX does it on a
 * tree without links: `..` above the root stays at the root. A relative path starts at `base`.
 */
export function normalisePath(path: string, base = "/"): string {
  const parts: string[] = [];
  for (const part of `${path.startsWith("/") ? "" : `${base}/`}${path}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** Whether `path` is `folder` or lies below it, by whole components. Both are normalised. */
export function isWithin(path: string, folder: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}

/** The last component; empty for the root. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The folder of a normalised absolute path; the root's is the root. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}
