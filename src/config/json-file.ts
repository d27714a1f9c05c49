import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { JsonError, parseJson } from "../lib/json.ts";
import { StartupError } from "./config.ts";
import { readIfPresent } from "./variables.ts";

/**
 * The content of a configuration file, or undefined where there is none. Throws StartupError for
 * what is not strict JSON and for what the schema does not allow, naming the place in the file;
 * values are not repeated, they may be secret.
 */
export function readJsonFile<Schema extends TSchema>(
  file: string,
  schema: Schema,
): Static<Schema> | undefined {
  const text = readIfPresent(file);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = parseJson(Buffer.from(text));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new StartupError(file, error.message, "It must be strict JSON.", error);
  }
  const validator = Compile(schema);
  if (validator.Check(value)) return value as Static<Schema>;
  // An unknown key is reported twice, first as "schema is false".
  const fault = validator.Errors(value).find((error) => error.keyword !== "boolean");
  const unknown =
    fault?.keyword === "additionalProperties" ? fault.params.additionalProperties : [];
  const place = `${file}${fault?.instancePath ? ` ${fault.instancePath}` : ""}`;
  throw unknown.length > 0
    ? new StartupError(place, `unknown key ${JSON.stringify(unknown[0])}`, "Remove it.")
    : new StartupError(place, fault?.message ?? "is not as it must be", "See docs and example.");
}
