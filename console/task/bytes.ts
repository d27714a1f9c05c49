/** `12 bytes`, `3.4 KB`, `5 MB`. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} bytes`;
  const units = ["KB", "MB", "GB"];
  let size = count / 1000;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit] ?? ""}`;
}
