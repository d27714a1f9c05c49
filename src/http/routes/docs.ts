import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import Type from "typebox";
import { GatewayError } from "../../contract/errors.ts";
import { findAbove } from "../../lib/find-above.ts";
import { bytesAnswer, streamAnswer } from "../answer.ts";
import type { HttpDeps } from "../http-deps.ts";
import { describeApi } from "../openapi.ts";
import { type Route, route } from "../route.ts";

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Swagger UI's files: the build puts them beside the program under these names. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ["viewer.css", "text/css; charset=utf-8"],
  ["viewer.js", "text/javascript; charset=utf-8"],
  ["icon.png", "image/png"],
]);

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>ByteBot Gateway API</title>
<link rel="icon" href="docs/icon.png">
<link rel="stylesheet" href="docs/viewer.css">
<div id="viewer"></div>
<noscript>This page needs JavaScript; <a href="openapi.json">openapi.json</a> says the same.</noscript>
<script src="docs/viewer.js"></script>
<script src="docs/start.js"></script>
</html>
`;

const START = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#viewer",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  syntaxHighlight: false,
});
`;

/** What OpenAPI makes of it is its own specification's. */
const Description = Type.Object({}, { additionalProperties: true });

/**
 * The API's description and a page to read it. Swagger UI's files are read when asked for: its
 * Fastify plug-in costs 70 ms at every start and 5 MB, for serving three files.
 */
export function createDocsRoutes(
  deps: Pick<HttpDeps, "version" | "config">,
  routes: () => readonly Route[],
): Route[] {
  let description: Promise<string> | undefined;
  return [
    route({
      method: "GET",
      path: "/openapi.json",
      operationId: "openapi",
      summary: "This API as OpenAPI 3.1",
      tag: "Service",
      access: "open",
      anyQuery: true,
      answers: { 200: { description: "The description.", schema: Description } },
      handle: async () => {
        description ??= describeApi(routes(), deps.version, deps.config.publicUrl).then((api) =>
          JSON.stringify(api, null, 2),
        );
        const headers = { "content-type": "application/json; charset=utf-8" };
        return bytesAnswer(await description, { headers });
      },
    }),
    route({
      method: "GET",
      path: "/docs",
      operationId: "docs",
      summary: "This API as a page to read",
      tag: "Service",
      access: "open",
      anyQuery: true,
      answers: { 200: { description: "A page.", mediaType: "text/html" } },
      handle: async () =>
        bytesAnswer(PAGE, {
          headers: {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": POLICY,
          },
        }),
    }),
    route({
      method: "GET",
      path: "/docs/{file}",
      operationId: "docsFile",
      summary: "What the page consists of",
      tag: "Service",
      access: "open",
      anyQuery: true,
      params: Type.Object({ file: Type.String({ maxLength: 32 }) }),
      answers: { 200: { description: "A script, style sheet or icon.", mediaType: "*/*" } },
      errors: ["not_found"],
      handle: async ({ params }) => {
        if (params.file === "start.js") {
          const headers = { "content-type": "text/javascript; charset=utf-8" };
          return bytesAnswer(START, { headers });
        }
        const type = TYPES.get(params.file);
        const folder = findAbove(import.meta.dirname, ["docs-page", "dist/docs-page"]);
        if (type === undefined || folder === undefined) {
          throw new GatewayError("not_found", "There is no such file.", {
            hint: "GET /docs names the files the page consists of.",
          });
        }
        const path = join(folder, params.file);
        const { size } = await stat(path);
        return streamAnswer(createReadStream(path), {
          headers: {
            "content-type": type,
            "content-length": String(size),
            "cache-control": "public, max-age=3600",
          },
        });
      },
    }),
  ];
}
