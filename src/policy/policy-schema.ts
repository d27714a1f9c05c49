import { PolicyFile } from "../contract/policy.ts";

/** What the schema says of an action; the capability registry has it. */
export interface DescribedAction {
  readonly action: string;
  readonly description: string;
  readonly risk: string;
}

/**
 * The JSON Schema (draft 7, which every editor knows) of `config/policy.json`: each action by name
 * with its description, so that editors complete and explain them. It allows exactly what
 * `validatePolicy` takes, but for the form of list entries.
 */
export function policyJsonSchema(actions: Iterable<DescribedAction>): Record<string, unknown> {
  // Through JSON: TypeBox's own marks are not part of the schema.
  const file = JSON.parse(JSON.stringify(PolicyFile));
  const { patternProperties, ...capabilities } = file.properties.capabilities;
  const [capability] = Object.values(patternProperties);
  const properties = Object.fromEntries(
    [...actions].map(({ action, description, risk }) => [
      action,
      // In draft 7 whatever stands beside a $ref is ignored, so it stands inside allOf.
      {
        description: `${description} (${risk} risk).`,
        allOf: [{ $ref: "#/definitions/capability" }],
      },
    ]),
  );
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "ByteBot Gateway policy",
    description:
      "What may be done on the desktop, and who confirms it. What is not listed is denied.",
    ...file,
    properties: {
      ...file.properties,
      capabilities: { ...capabilities, properties, additionalProperties: false },
    },
    definitions: { capability },
  };
}
