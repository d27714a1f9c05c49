import type { FastifyRequest } from "fastify";
import Type from "typebox";
import { GatewayError } from "../../contract/errors.ts";
import { TaskId } from "../../contract/task.ts";
import { bytesAnswer, type HttpAnswer } from "../answer.ts";
import { ConsoleFiles } from "../console-page/console-files.ts";
import { type Route, route } from "../route.ts";

/** No inline script or style, nothing from elsewhere, no frame around it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** What the page may ask of a browser: taking part of the screen, and passkeys. */
const PERMISSIONS =
  "camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), payment=()";

const PAGES = "tasks|desktops|operate|account|grants|sign-in";

/**
 * The console's page. It is the same for everybody and shows nothing by itself: what it shows it asks
 * with the session of whoever sits in front of it.
 */
export function createConsoleRoutes(): Route[] {
  let found: ConsoleFiles | undefined;
  const files = (): ConsoleFiles => {
    found ??= ConsoleFiles.find();
    if (found !== undefined) return found;
    throw new GatewayError("not_found", "The console was not built.", {
      hint: "npm run build, or `npm run dev` to work on it.",
    });
  };
  const page = {
    method: "GET",
    tag: "People",
    access: "open",
    anyQuery: true,
    answers: { 200: { description: "A page.", mediaType: "text/html" } },
    errors: ["not_found"],
    handle: ({ request }: { request: FastifyRequest }) => pageAnswer(files(), request),
  } as const;
  return [
    route({
      ...page,
      path: "/console",
      summary: "The console (page)",
      description:
        "Where people see, decide, watch and stop. Shows nothing to whoever is not signed in; opening it never decides.",
    }),
    route({
      ...page,
      path: "/console/{page}",
      summary: "A page of the console",
      params: Type.Object({ page: Type.String({ pattern: `^(${PAGES})$` }) }),
      missing: "not_found",
    }),
    route({
      ...page,
      path: "/console/{page}/{item}",
      summary: "A page about one thing",
      params: Type.Object({
        page: Type.String({ pattern: `^(${PAGES})$` }),
        item: Type.String({ pattern: "^[A-Za-z0-9._-]{1,64}$" }),
      }),
      missing: "not_found",
    }),
    route({
      ...page,
      path: "/approvals/{task_id}",
      operationId: "approvalPage",
      summary: "The console, opened at a plan (page)",
      description:
        "Where `confirmation.url` leads. The page is the same whether the task exists or not, shows nothing of the plan to whoever is not signed in, and gives no right. Opening it never decides.",
      tag: "Tasks",
      params: Type.Object({ task_id: TaskId }),
      missing: "not_found",
    }),
    route({
      method: "GET",
      path: "/console/assets/{file}",
      summary: "What the console's page consists of",
      tag: "People",
      access: "open",
      anyQuery: true,
      params: Type.Object({ file: Type.String({ pattern: "^[A-Za-z0-9_.-]{1,120}$" }) }),
      missing: "not_found",
      answers: { 200: { description: "A script, style sheet or icon.", mediaType: "*/*" } },
      errors: ["not_found"],
      handle: async ({ params, request }) => {
        const encodings = request.headers["accept-encoding"];
        const file = await files().read(`assets/${params.file}`, String(encodings ?? ""));
        if (file === undefined) throw new GatewayError("not_found", "There is no such file.");
        // The name holds a hash of the content.
        return fileAnswer(file, { "cache-control": "public, max-age=31536000, immutable" });
      },
    }),
  ];
}

async function pageAnswer(files: ConsoleFiles, request: FastifyRequest): Promise<HttpAnswer> {
  const file = await files.read("index.html", String(request.headers["accept-encoding"] ?? ""));
  if (file === undefined) throw new GatewayError("not_found", "The console was not built.");
  return fileAnswer(file, {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": PERMISSIONS,
  });
}

function fileAnswer(
  { bytes, type, encoding }: NonNullable<Awaited<ReturnType<ConsoleFiles["read"]>>>,
  headers: Readonly<Record<string, string>>,
): HttpAnswer {
  return bytesAnswer(bytes, {
    headers: {
      ...headers,
      "content-type": type,
      vary: "accept-encoding",
      ...(encoding !== undefined && { "content-encoding": encoding }),
    },
  });
}
