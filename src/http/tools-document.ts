import { IMAGE_TYPES } from "../lib/image-types.ts";
import type { Tool } from "../tools/tool.ts";

/** Sent when something went wrong; what a model reads of it is `code`, `detail` and `hint`. */
const PROBLEM = {
  type: "object",
  properties: {
    code: { type: "string" },
    detail: { type: "string" },
    hint: { type: "string" },
  },
} as const;

const IMAGE = { schema: { type: "string", format: "binary" } } as const;

/**
 * Tools as the OpenAPI document of a tool server whose base is `/tools`. Converters read its paths
 * alone and stumble over `$ref`: everything stands where it is used.
 */
export function describeTools(tools: readonly Tool[], version: string, publicUrl: string): object {
  return {
    openapi: "3.1.0",
    info: {
      title: "ByteBot Gateway tools",
      version,
      description:
        "Actions on a desktop. Each is planned, confirmed where policy asks for it, and executed once.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: `${publicUrl}/tools` }],
    security: [{ bearer: [] }],
    paths: Object.fromEntries(tools.map((tool) => [`/${tool.name}`, { post: operationOf(tool) }])),
    components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
  };
}

function operationOf({ name, title, description, parameters, result }: Tool): object {
  return {
    operationId: name,
    summary: title,
    description,
    requestBody: { required: true, content: { "application/json": { schema: parameters } } },
    responses: {
      200: {
        description: "What came of it, an image as an image.",
        headers: {
          "X-Task-Id": {
            description: "Of an image: the id of its task.",
            schema: { type: "string" },
          },
        },
        content: {
          "application/json": { schema: answerSchema(result) },
          ...Object.fromEntries([...IMAGE_TYPES].map((type) => [type, IMAGE])),
        },
      },
      "4XX": {
        description: "It was refused, and nothing has run.",
        content: { "application/problem+json": { schema: PROBLEM } },
      },
      "5XX": {
        description: "The gateway or the desktop could not do it.",
        content: { "application/problem+json": { schema: PROBLEM } },
      },
    },
  };
}

function answerSchema(result: Tool["result"]): object {
  return {
    description:
      'Where a person must confirm: ["", {task_id, status, confirmation_url, advice}], with the card\'s address in Location.',
    type: ["object", "array"],
    properties: {
      task_id: { type: "string" },
      status: { type: "string" },
      result: result ?? { type: ["object", "null"] },
      artifacts: { type: "array", items: { type: "object" } },
      error: { type: "object" },
      reason: { type: "string", description: "why a person rejected it" },
      proposal: { type: "object", description: "what the person proposes instead" },
      confirmation_url: { type: "string", description: "where a person decides; for the user" },
      advice: { type: "string" },
      progress: { type: "integer" },
    },
  };
}
