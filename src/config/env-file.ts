import { StartupError } from "./config.ts";

const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/;
const QUOTED = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*(?:#.*)?$/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/**
 * The variables of a `.env` text: `NAME=value` lines, `export ` allowed before them, `#` comments,
 * values bare, in 'single' quotes (as they are) or in "double" quotes (\n \r \t, others as they
 * are); one line each. Stricter than the usual readers, which skip what they do not understand and
 * so lose settings silently: throws StartupError for such a line and for a name that stands twice.
 */
export function parseEnvFile(text: string, file: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const [index, line] of text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .entries()) {
    const content = line.trim();
    if (content === "" || content.startsWith("#")) continue;
    const fault = (problem: string, hint: string) =>
      new StartupError(`${file} line ${index + 1}`, problem, hint);
    const [, name, written] = ASSIGNMENT.exec(content) ?? [];
    if (name === undefined || written === undefined) {
      throw fault("is not NAME=value", "Comments start with #.");
    }
    if (variables.has(name)) throw fault(`${name} stands twice`, "Remove one of the two lines.");
    const value = unquote(written);
    if (value === undefined) {
      throw fault(`the quotes of ${name} do not close`, "A value ends on its own line.");
    }
    variables.set(name, value);
  }
  return variables;
}

/** undefined where a quote opens and does not close properly. */
function unquote(written: string): string | undefined {
  if (!/^["']/.test(written)) return written.replace(/(^|\s+)#.*$/, "");
  const [, double, single] = QUOTED.exec(written) ?? [];
  return single ?? double?.replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}
