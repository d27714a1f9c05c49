/**
 * What Open WebUI makes of a tool server's document, written from a description of its behaviour:
 * operations with an id become functions, of a body only the top-level properties are taken, and what
 * a model is given of a property is what JSON Schema survives its conversion.
 */
export interface ModelFunction {
  readonly name: string;
  readonly description: string;
  readonly parameters: {
    readonly properties: Readonly<Record<string, Property>>;
    readonly required: readonly string[];
  };
}

interface Property {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly items?: Property;
  readonly properties?: Readonly<Record<string, Property>>;
}

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly unknown[];
  readonly requestBody?: {
    readonly content?: Readonly<Record<string, { readonly schema?: Record<string, unknown> }>>;
  };
}

export interface ToolsDocument {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export function functionsOf(document: ToolsDocument): ModelFunction[] {
  return Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).flatMap((operation) => {
      if (operation.operationId === undefined) return [];
      const schema = operation.requestBody?.content?.["application/json"]?.schema ?? {};
      const properties = (schema.properties ?? {}) as Record<string, Property>;
      return [
        {
          name: operation.operationId,
          description: operation.description ?? operation.summary ?? "No description available.",
          parameters: {
            properties: Object.fromEntries(
              Object.entries(properties).map(([name, property]) => [name, kept(property)]),
            ),
            required: (schema.required ?? []) as string[],
          },
        },
      ];
    }),
  );
}

/** Defaults, formats and bounds are lost on the way. */
function kept({ type, description, enum: values, items, properties }: Property): Property {
  return {
    ...(type !== undefined && { type }),
    ...(description !== undefined && { description }),
    ...(values !== undefined && { enum: values }),
    ...(items !== undefined && { items: kept(items) }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [name, kept(property)]),
      ),
    }),
  };
}
