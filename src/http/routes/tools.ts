import Type from "typebox";
import type { Principal } from "../../contract/principal.ts";
import { Parameters } from "../../contract/task.ts";
import { IMAGE_TYPES } from "../../lib/image-types.ts";
import { TASK_STATUS } from "../../tools/general-tools.ts";
import { answerOf, type ToolOutcome } from "../../tools/tool-outcome.ts";
import { type HttpAnswer, jsonAnswer } from "../answer.ts";
import { artifactAnswer } from "../artifact-answer.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";
import { describeTools } from "../tools-document.ts";

type Deps = Pick<HttpDeps, "tools" | "artifacts" | "version">;

/** How long a call waits for what needs no person. */
const WAIT_MS = 120_000;

/** The tools as an OpenAPI tool server, for Open WebUI and others who read its document. */
export function createToolRoutes(deps: Deps): Route[] {
  return [
    route({
      method: "GET",
      path: "/tools/openapi.json",
      operationId: "toolsDocument",
      summary: "The enabled actions as tools (OpenAPI 3.1)",
      description:
        "For clients that make a model's tools of operations. Confirming is none of them.",
      tag: "Tools",
      access: "open",
      anyQuery: true,
      answers: {
        200: {
          description: "The document.",
          schema: Type.Object({}, { additionalProperties: true }),
        },
      },
      handle: async () =>
        describeTools(deps.tools.list.of(undefined), deps.version, deps.tools.publicUrl()),
    }),
    route({
      method: "POST",
      path: "/tools/{tool}",
      operationId: "callTool",
      summary: "Call a tool: plan and execute in one",
      description:
        'Arguments lie flat in the body; those it does not know are passed over. Where a person must confirm, the answer is `["", {task_id, status, advice}]` with `Content-Disposition: inline` and a `Location` that opens the card once; an image comes as an image, with the id of its task in `X-Task-Id`.',
      tag: "Tools",
      access: ["plan", "execute", "read"],
      params: Type.Object({ tool: Type.String() }),
      segment: /[a-z_]{1,64}/,
      body: Parameters,
      bodyOptional: true,
      answers: {
        200: {
          description: "What came of it.",
          schema: Type.Unknown(),
          orBytes: [...IMAGE_TYPES],
          headers: { "X-Task-Id": "Of an image: the id of the task that took it." },
        },
      },
      errors: [
        "not_found",
        "task_not_found",
        "capability_unknown",
        "capability_disabled",
        "path_not_allowed",
        "domain_not_allowed",
        "command_not_allowed",
        "application_not_allowed",
        "plan_mismatch",
        "state_changed",
        "task_rejected",
        "task_cancelled",
        "plan_expired",
        "file_too_large",
        "desktop_unavailable",
        "bytebot_error",
        "bytebot_unavailable",
        "queue_full",
        "stopped",
        "timeout",
      ],
      handle: async ({ principal, params, body, request, signal }) => {
        const requestedBy = await deps.tools.requestedBy(request.headers);
        const outcome = await deps.tools.runner.call(principal, params.tool, body, {
          waitMs: WAIT_MS,
          signal,
          requestedBy,
          onPlanned: ({ task_id }) => {
            request.taskId = task_id;
          },
        });
        request.taskId = outcome.taskId;
        // A card for each question how it stands would fill the chat with cards.
        if (outcome.kind === "awaiting" && params.tool !== TASK_STATUS) {
          return cardAnswer(deps, principal, outcome);
        }
        return (await imageAnswer(deps, outcome)) ?? answerOf(outcome);
      },
    }),
  ];
}

/** The body's first part would be shown; its second is what the model is given, and no more. */
function cardAnswer(
  { tools }: Deps,
  principal: Principal,
  outcome: Extract<ToolOutcome, { kind: "awaiting" }>,
): HttpAnswer {
  const location = tools.cards.issue(principal, outcome.taskId, outcome.expiresAt);
  const headers = { "content-disposition": "inline", location };
  return jsonAnswer(["", answerOf(outcome)], { headers });
}

/** The image that an outcome is; it has no room for the task's id but a header. */
async function imageAnswer(
  { artifacts }: Deps,
  outcome: ToolOutcome,
): Promise<HttpAnswer | undefined> {
  const image = outcome.kind === "result" ? outcome.image : undefined;
  const artifact = image && (await artifacts.find(image.id));
  if (artifact === undefined || !IMAGE_TYPES.has(artifact.media_type)) return undefined;
  const headers = { "x-task-id": artifact.task_id };
  return artifactAnswer(artifact, await artifacts.open(artifact), headers);
}
