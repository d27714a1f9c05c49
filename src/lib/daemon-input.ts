/**
 * What a path may be made of. ByteBot's desktop daemon puts it between double quotes into a command line
 * of a root shell: `$`, backtick, `"` and `\` would run there, and nobody needs the rest of the
 * punctuation.
 */
const PLAIN_PATH = /^\/[\p{L}\p{M}\p{N} ._+,=@%~()[\]/-]*$/u;

/** Whether a path is absolute and nothing in it could run in the daemon's shell. */
export function isDaemonPath(path: string): boolean {
  return PLAIN_PATH.test(path);
}

/** Whether the daemon can type a text key by key; in the middle of any other it fails. */
export function isTypeable(text: string): boolean {
  return /^[\n\x20-\x7e]*$/.test(text);
}
