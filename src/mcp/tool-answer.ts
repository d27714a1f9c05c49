import { buffer } from "node:stream/consumers";
import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import type { GatewayError } from "../contract/errors.ts";
import type { ArtifactView } from "../contract/task.ts";
import { answerOf, type ToolOutcome } from "../tools/tool-outcome.ts";
import type { McpDeps } from "./mcp-deps.ts";
import { REFUSED } from "./tool-view.ts";

const IMAGES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/webp"]);
/** Bytes of the images of one answer; what is more is only named. */
const MAX_IMAGE_BYTES = 4 * 1024 * 1024;

/** What came of a call, as a result of MCP: text, the same structured, and images. */
export async function answerTool(
  { artifacts }: Pick<McpDeps, "artifacts">,
  outcome: ToolOutcome,
): Promise<CallToolResult> {
  const url = outcome.kind === "awaiting" ? outcome.confirmationUrl : undefined;
  const answer = { ...answerOf(outcome), ...(url !== undefined && { confirmation_url: url }) };
  const images = "artifacts" in outcome ? await readImages(artifacts, outcome.artifacts) : [];
  return {
    content: [textOf(answer), ...(url === undefined ? [] : [noteOf(url)]), ...images],
    structuredContent: answer,
    ...(outcome.kind === "failed" && { isError: true }),
  };
}

/** What was refused: the model may do it otherwise. The task, where it had been planned by then. */
export function answerRefusal(
  { code, detail, extras }: GatewayError,
  taskId: string | undefined,
): CallToolResult {
  const { hint, ...more } = extras;
  const error = { code, detail, ...(hint !== undefined && { hint }), ...more };
  const answer = { ...(taskId !== undefined && { task_id: taskId }), status: REFUSED, error };
  return { content: [textOf(answer)], structuredContent: answer, isError: true };
}

function textOf(answer: Record<string, unknown>): ContentBlock {
  return { type: "text", text: JSON.stringify(answer) };
}

function noteOf(url: string): ContentBlock {
  return {
    type: "text",
    text: `This waits for a person's approval, and starts by itself once approved: ${url}`,
    annotations: { audience: ["user"], priority: 1 },
  };
}

/** The newest first where not all of them fit. */
async function readImages(
  artifacts: McpDeps["artifacts"],
  views: readonly ArtifactView[],
): Promise<ContentBlock[]> {
  let room = MAX_IMAGE_BYTES;
  const images: ContentBlock[] = [];
  for (const { id, media_type, size } of views.toReversed()) {
    if (!IMAGES.has(media_type) || size > room) continue;
    const artifact = await artifacts.find(id);
    if (artifact === undefined) continue;
    room -= size;
    const bytes = await buffer(await artifacts.open(artifact));
    images.unshift({ type: "image", data: bytes.toString("base64"), mimeType: media_type });
  }
  return images;
}
