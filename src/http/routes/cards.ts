import { GatewayError } from "../../contract/errors.ts";
import { IMAGE_TYPES } from "../../lib/image-types.ts";
import {
  CardDecideRequest,
  CardOpenRequest,
  CardOpenView,
  CardPictureRequest,
  CardState,
  CardStateRequest,
} from "../../tools/cards/card-messages.ts";
import { bytesAnswer, type HttpAnswer } from "../answer.ts";
import { artifactAnswer } from "../artifact-answer.ts";
import { CARD_PAGE, cardPolicy } from "../card-page/card-page.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";
import { takeAllowance } from "../stages/authorise.ts";

type Deps = Pick<HttpDeps, "tools" | "artifacts" | "config" | "policy" | "rateLimiter">;

/** Bytes: a stranger's body is read before its secret is known. */
const MAX_BODY = 1024;

/**
 * Approval cards in a chat. The page is the same for everybody; all else is asked with the one-time
 * token of its address, or with the session that this token was exchanged for. No operation of a
 * card has an id: none of them is for a model.
 */
export function createCardRoutes(deps: Deps): Route[] {
  return [
    route({
      method: "GET",
      path: "/cards",
      summary: "The page of an approval card",
      description:
        "Shows nothing by itself and decides nothing: it exchanges the token in its fragment, once.",
      tag: "Tools",
      access: "open",
      anyQuery: true,
      answers: { 200: { description: "A page.", mediaType: "text/html" } },
      handle: async () =>
        bytesAnswer(CARD_PAGE, {
          headers: {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": cardPolicy(deps.config.corsOrigins),
          },
        }),
    }),
    route({
      method: "POST",
      path: "/cards/open",
      summary: "Exchange a card's one-time token for its page's session",
      tag: "Tools",
      access: "open",
      body: CardOpenRequest,
      maxBody: MAX_BODY,
      answers: { 200: { description: "The session, the first time.", schema: CardOpenView } },
      errors: REFUSALS,
      handle: async ({ body, request }) => {
        const { subject, ...view } = deps.tools.cards.open(body.token);
        request.taskId = subject.taskId;
        takeAllowance(deps, subject.keyId);
        return view;
      },
    }),
    route({
      method: "POST",
      path: "/cards/state",
      summary: "What a card shows",
      description: "With `seen`, waits up to half a minute for another state.",
      tag: "Tools",
      access: "open",
      body: CardStateRequest,
      maxBody: MAX_BODY,
      answers: { 200: { description: "The card.", schema: CardState } },
      errors: REFUSALS,
      handle: async ({ body: { session, seen }, request, signal }) => {
        request.taskId = admit(deps, session).taskId;
        return await deps.tools.cards.state(session, seen, signal);
      },
    }),
    route({
      method: "POST",
      path: "/cards/decide",
      summary: "What the person in front of a card decided",
      description:
        "Approving needs a key marked `trusted_approval_surface` and a plan of low or medium risk for which one approver is asked.",
      tag: "Tools",
      access: "open",
      body: CardDecideRequest,
      maxBody: MAX_BODY,
      answers: { 200: { description: "The card after the decision.", schema: CardState } },
      errors: [
        ...REFUSALS,
        "scope_missing",
        "digest_mismatch",
        "already_decided",
        "plan_corrupted",
        "plan_expired",
        "queue_full",
        "stopped",
        "audit_unavailable",
      ],
      handle: async ({ body, request }) => {
        request.taskId = admit(deps, body.session).taskId;
        return await deps.tools.cards.decide(body);
      },
    }),
    route({
      method: "POST",
      path: "/cards/picture",
      summary: "A picture that a card shows",
      tag: "Tools",
      access: "open",
      body: CardPictureRequest,
      maxBody: MAX_BODY,
      answers: { 200: { description: "The picture.", mediaType: "application/octet-stream" } },
      errors: [...REFUSALS, "artifact_not_found"],
      handle: ({ body }) => pictureAnswer(deps, body.session, body.artifact_id),
    }),
  ];
}

const REFUSALS = [
  "token_invalid",
  "task_not_found",
  "rate_limited",
  "body_too_large",
  "unsupported_media_type",
] as const;

/** Its key pays for what the page asks. */
function admit(deps: Deps, session: string) {
  const subject = deps.tools.cards.subject(session);
  takeAllowance(deps, subject.keyId);
  return subject;
}

/** One of its own task; that of a plan only as long as the card may show all of the plan. */
async function pictureAnswer(deps: Deps, session: string, artifactId: string): Promise<HttpAnswer> {
  const { taskId, keyId } = admit(deps, session);
  const artifact = await deps.artifacts.find(artifactId);
  const isShown =
    artifact?.task_id === taskId &&
    IMAGE_TYPES.has(artifact.media_type) &&
    (artifact.owner === keyId || (await deps.tools.cards.showsPrivate(session)));
  if (artifact === undefined || !isShown) {
    throw new GatewayError("artifact_not_found", "There is no such picture on this card.", {
      hint: "The card names the pictures it shows.",
    });
  }
  return artifactAnswer(artifact, await deps.artifacts.open(artifact));
}
