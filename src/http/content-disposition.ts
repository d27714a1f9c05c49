/**
 * `attachment` or `inline` with the file's name: once in ASCII for old readers, once in full
 * (RFC 6266, RFC 8187). A name is a name, not a path: what could lead elsewhere is replaced.
 */
export function contentDisposition(type: "attachment" | "inline", name: string): string {
  const safe = name
    .toWellFormed()
    .replace(/^\.+|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\]/gu, "_")
    .slice(0, 200)
    .toWellFormed();
  const ascii = safe.replace(/[^\x20-\x7e]|["%]/g, "_");
  const plain = `${type}; filename="${ascii}"`;
  return ascii === safe ? plain : `${plain}; filename*=UTF-8''${encodeExtended(safe)}`;
}

/** RFC 8187 leaves fewer characters as they are than encodeURIComponent does. */
function encodeExtended(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
