/** So much of a record's details stands in its line. */
const MAX_PARTS = 4;
const MAX_CHARACTERS = 60;

/** What names itself stands without its name. */
const PLAIN = new Set(["decision", "action", "summary", "plan_summary", "reason", "name"]);
/** Digests and ids tell a person nothing in passing. */
const SILENT = /(digest|_id|hash|mac)$|^(session|link|passkey)$/;

/** The simple ones of a record's details in a line: `approve · via grant`. */
export function briefOf(details: Readonly<Record<string, unknown>> | undefined): string {
  const parts = Object.entries(details ?? {}).flatMap(([name, value]) => {
    if (SILENT.test(name) || typeof value === "object") return [];
    const text = shortened(String(value));
    return [PLAIN.has(name) ? text : `${name} ${text}`];
  });
  return parts.slice(0, MAX_PARTS).join(" · ");
}

function shortened(text: string): string {
  const characters = Array.from(text);
  if (characters.length <= MAX_CHARACTERS) return text;
  return `${characters.slice(0, MAX_CHARACTERS).join("")}…`;
}
