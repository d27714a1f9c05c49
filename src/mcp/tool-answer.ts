import { buffer } from "node:stream/consumers";
import type { CallToolResult, ContentBlock, TextContent } from "@modelcontextprotocol/server";
import type { PictureScaler } from "../artifacts/picture-scaler.ts";
import type { GatewayError } from "../contract/errors.ts";
import type { ArtifactView } from "../contract/task.ts";
import { answerOf, type ToolOutcome } from "../tools/tool-outcome.ts";
import type { McpDeps } from "./mcp-deps.ts";
import { REFUSED } from "./tool-view.ts";

const IMAGES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/webp"]);
/** Bytes of the images of one answer; what is more is only named. */
const MAX_IMAGE_BYTES = 4 * 1024 * 1024;
/** Longest side in pixels of an image: models shrink what is larger, and then aim beside it. */
const MAX_IMAGE_SIDE = 1568;
/** Characters of an answer that is sent as text and structured; a longer one is text alone. */
const MAX_SENT_TWICE = 128 * 1024;

const UNSEEN =
  "A picture comes with this answer. If you do not see it, your client gives you text alone: say so instead of guessing what it shows.";
const TEXT_ALONE =
  "The result is too long to be sent twice: it stands in the text of this answer. Files can be read in parts, with offset and length.";

type Deps = Pick<McpDeps, "artifacts"> & { readonly pictures: PictureScaler };

/** What came of a call, as a result of MCP: text, the same structured, and images. */
export async function answerTool(deps: Deps, outcome: ToolOutcome): Promise<CallToolResult> {
  const url = outcome.kind === "awaiting" ? outcome.confirmationUrl : undefined;
  const images = "artifacts" in outcome ? await readImages(deps, outcome.artifacts) : [];
  const answer = { ...answerOf(outcome), ...(images.length > 0 && { advice: UNSEEN }) };
  const text = textOf(answer);
  return {
    content: [text, ...(url === undefined ? [] : [noteOf(url)]), ...images],
    structuredContent: text.text.length > MAX_SENT_TWICE ? brief(answer) : answer,
    ...(outcome.kind === "failed" && { isError: true }),
  };
}

/** Without the parts that may be of any length. */
function brief({ proposal: _, ...answer }: Record<string, unknown>): Record<string, unknown> {
  return { ...answer, ...("result" in answer && { result: null }), advice: TEXT_ALONE };
}

/** What was refused: the model may do it otherwise. The task, where it had been planned by then. */
export function answerDenial(
  { code, detail, extras }: GatewayError,
  taskId: string | undefined,
): CallToolResult {
  const { hint, ...more } = extras;
  const error = { code, detail, ...(hint !== undefined && { hint }), ...more };
  const answer = { ...(taskId !== undefined && { task_id: taskId }), status: REFUSED, error };
  return { content: [textOf(answer)], structuredContent: answer, isError: true };
}

function textOf(answer: Record<string, unknown>): TextContent {
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
  { artifacts, pictures }: Deps,
  views: readonly ArtifactView[],
): Promise<ContentBlock[]> {
  let room = MAX_IMAGE_BYTES;
  const images: ContentBlock[] = [];
  for (const { id, media_type } of views.toReversed()) {
    if (!IMAGES.has(media_type)) continue;
    const artifact = await artifacts.find(id);
    if (artifact === undefined) continue;
    const open = () => artifacts.open(artifact);
    const scaled = await pictures.scale(artifact, open, MAX_IMAGE_SIDE);
    if ((scaled?.byteLength ?? artifact.size) > room) continue;
    const bytes = Buffer.from(scaled ?? (await buffer(await open())));
    room -= bytes.length;
    images.unshift({ type: "image", data: bytes.toString("base64"), mimeType: media_type });
  }
  return images;
}
