import { posix } from "node:path";

/** Media types of what is text; the extension decides, and the reader checks that it is text. */
const TEXT_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".csv": "text/csv",
  ".htm": "text/html",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".log": "text/plain",
  ".md": "text/markdown",
  ".mjs": "text/javascript",
  ".svg": "image/svg+xml",
  ".tsv": "text/tab-separated-values",
  ".txt": "text/plain",
  ".xhtml": "application/xhtml+xml",
  ".xml": "application/xml",
  ".yaml": "application/yaml",
  ".yml": "application/yaml",
};

/** What the first bytes prove, whatever the name says. `null` stands for any byte. */
const SIGNATURES: readonly (readonly [type: string, bytes: readonly (number | null)[]])[] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38, null, 0x61]],
  ["image/webp", [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50]],
  ["application/pdf", [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ["application/zip", [0x50, 0x4b, 0x03, 0x04]],
  ["application/gzip", [0x1f, 0x8b]],
];

/** Bytes of a file's beginning that `mediaTypeOf` looks at. */
export const SNIFFED_BYTES = 512;

/**
 * A file's media type: by its first bytes where they prove one, else by its extension where they
 * look like text, else `text/plain` or `application/octet-stream`. Only proven bytes are an image
 * (SVG is text, by its extension).
 */
export function mediaTypeOf(path: string, head: Uint8Array): string {
  const proven = SIGNATURES.find(([, bytes]) =>
    bytes.every((byte, index) => byte === null || head[index] === byte),
  );
  if (proven !== undefined) return proven[0];
  if (!looksLikeText(head)) return "application/octet-stream";
  return TEXT_TYPES[posix.extname(path).toLowerCase()] ?? "text/plain";
}

function looksLikeText(head: Uint8Array): boolean {
  if (head.includes(0)) return false;
  try {
    // A character cut at the end of the stretch is still to come.
    new TextDecoder("utf-8", { fatal: true }).decode(head.subarray(0, SNIFFED_BYTES), {
      stream: true,
    });
    return true;
  } catch {
    return false;
  }
}
