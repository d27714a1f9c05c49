/** A parameter as a form asks for it. */
export interface ParameterField {
  readonly name: string;
  readonly required: boolean;
  readonly description: string;
  /** How what is typed becomes a value: as it stands, one of `choices`, or as JSON. */
  readonly kind: "text" | "choice" | "json";
  readonly choices: readonly string[];
}

interface JsonSchema {
  readonly type?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

/** The fields of an action, by the JSON Schema of its parameters; undefined where it has no plain ones. */
export function fieldsOf(schema: unknown): ParameterField[] | undefined {
  const { properties, required = [] } = (schema ?? {}) as JsonSchema;
  if (properties === undefined) return undefined;
  return Object.entries(properties).map(([name, { type, enum: choices, description = "" }]) => {
    const field = { name, required: required.includes(name), description };
    if (choices !== undefined) return { ...field, kind: "choice", choices: choices.map(String) };
    return { ...field, kind: type === "string" ? "text" : "json", choices: [] };
  });
}

/**
 * The parameters that the fields hold. A field that is empty is left out where it is not required.
 *
 * @throws Error that names the field whose JSON is none
 */
export function parametersOf(
  fields: readonly ParameterField[],
  typed: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const given = fields.flatMap(({ name, kind, required }): [string, unknown][] => {
    const text = typed[name] ?? "";
    if (text === "" && !(required && kind === "text")) return [];
    return [[name, kind === "json" ? parsed(text, name) : text]];
  });
  return Object.fromEntries(given);
}

/** @throws Error where the text is no JSON object */
export function parametersFromJson(text: string): Record<string, unknown> {
  const value = parsed(text === "" ? "{}" : text, "This");
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("This is no JSON object.");
  }
  return value as Record<string, unknown>;
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${what} is no JSON.`);
  }
}
