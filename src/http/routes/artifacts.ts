import Type from "typebox";
import type { Artifact } from "../../artifacts/artifact-store.ts";
import { PictureScaler } from "../../artifacts/picture-scaler.ts";
import { GatewayError } from "../../contract/errors.ts";
import { IMAGE_TYPES } from "../../lib/image-types.ts";
import { bytesAnswer, streamAnswer } from "../answer.ts";
import { INERT_POLICY } from "../artifact-answer.ts";
import { contentDisposition } from "../content-disposition.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

const ArtifactParams = Type.Object({
  artifact_id: Type.String({ pattern: "^artifact_[A-Za-z0-9_-]{22}$" }),
});

const ArtifactQuery = Type.Object(
  {
    max_side: Type.Optional(
      Type.Integer({
        minimum: 200,
        maximum: 8192,
        description:
          "Of a PNG with a longer side: a PNG that is scaled down to this many pixels, with a line below it that says by what to multiply positions. Anything else comes as it is.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** What a browser may show by itself; everything else is bytes to save, whatever it calls itself. */
const INLINE: ReadonlyMap<string, string> = new Map([
  ...[...IMAGE_TYPES].map((type): [string, string] => [type, type]),
  ["text/plain", "text/plain; charset=utf-8"],
]);

/** The bytes that steps left behind. */
export function createArtifactRoutes(deps: Pick<HttpDeps, "artifacts">): Route[] {
  const scaler = new PictureScaler();
  return [
    route({
      method: "GET",
      path: "/artifacts/{artifact_id}",
      operationId: "getArtifact",
      summary: "The bytes of an artifact",
      description:
        "PNG, JPEG, WebP and plain text may be shown inline, everything else comes as an attachment.",
      tag: "Tasks",
      access: ["read"],
      params: ArtifactParams,
      query: ArtifactQuery,
      missing: "artifact_not_found",
      answers: { 200: { description: "The bytes.", mediaType: "application/octet-stream" } },
      errors: ["artifact_not_found"],
      head: "handled",
      handle: async ({ principal, params, query, request }) => {
        const artifact = await deps.artifacts.find(params.artifact_id);
        const visible = artifact?.owner === principal.keyId || principal.scopes.has("confirm");
        if (artifact === undefined || !visible) throw notFound(params.artifact_id);
        request.taskId = artifact.task_id;
        const open = () => deps.artifacts.open(artifact);
        const { max_side } = query;
        const scaled =
          max_side === undefined ? undefined : await scaler.scale(artifact, open, max_side);
        const headers = headersOf({ ...artifact, ...(scaled && { size: scaled.byteLength }) });
        if (request.method === "HEAD") return bytesAnswer("", { headers });
        return scaled === undefined
          ? streamAnswer(await open(), { headers })
          : bytesAnswer(scaled, { headers });
      },
    }),
  ];
}

/** Bytes gain no authority by being served (I14): the type is ours, never sniffed, never active. */
function headersOf({ media_type, name, size }: Artifact): Record<string, string> {
  const shown = INLINE.get(media_type.split(";", 1)[0]?.trim().toLowerCase() ?? "");
  return {
    "content-type": shown ?? "application/octet-stream",
    "content-length": String(size),
    "content-disposition": contentDisposition(shown ? "inline" : "attachment", name),
    "content-security-policy": INERT_POLICY,
  };
}

function notFound(id: string): GatewayError {
  return new GatewayError(
    "artifact_not_found",
    `There is no artifact ${id} that this key may see.`,
    { hint: "A key sees the artifacts of its own tasks; they are kept RETENTION_DAYS." },
  );
}
