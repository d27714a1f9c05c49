/** A JSON log line as a person reads it in a terminal: time, level, message, then the rest. */
export function readableLine(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { time, level, msg, err, ...rest } = entry;
  const clock = String(time).slice(11, 23);
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${spell(value)}`);
  const stack = isObject(err) && typeof err.stack === "string" ? `\n${err.stack}` : "";
  const words = [clock, String(level).toUpperCase().padEnd(5), msg, ...fields];
  return `${words.filter((word) => word !== undefined).join(" ")}${stack}\n`;
}

function spell(value: unknown): string {
  return typeof value === "string" && /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
