import Type from "typebox";
import {
  DesktopList,
  DesktopParams,
  InputRequest,
  InputView,
  ReturnedView,
  TakeoverRequest,
  TakeoverView,
} from "../../contract/desktop.ts";
import { GatewayError } from "../../contract/errors.ts";
import type { Principal } from "../../contract/principal.ts";
import type { Holder } from "../../takeover/lease.ts";
import { findDecisionDenial } from "../../tasks/desktops.ts";
import { bytesAnswer, upgradeAnswer } from "../answer.ts";
import { INERT_POLICY } from "../artifact-answer.ts";
import type { HttpDeps } from "../http-deps.ts";
import { type Route, route } from "../route.ts";

const EMPTY = Type.Object({}, { additionalProperties: false });

/** Watching desktops, and taking them over. */
export function createDesktopRoutes(deps: Pick<HttpDeps, "desktops">): Route[] {
  const { desktops } = deps;
  const watching = {
    tag: "Desktops",
    access: ["confirm"],
    operators: true,
    params: DesktopParams,
    missing: "not_found",
  } as const;
  const acting = { ...watching, sessionOnly: true } as const;
  const requireKnown = (name: string, principal: Principal) => {
    const denial = findDecisionDenial(name, principal);
    if (denial !== undefined) throw denial;
    if (desktops.isKnown(name)) return;
    throw new GatewayError("not_found", `There is no desktop ${JSON.stringify(name)}.`, {
      hint: "GET /desktops lists them.",
    });
  };
  return [
    route({
      ...watching,
      method: "GET",
      path: "/desktops",
      operationId: "listDesktops",
      params: EMPTY,
      summary: "List desktops: their health, what runs on them, who has taken them over",
      answers: { 200: { description: "All that the key may decide on.", schema: DesktopList } },
      handle: ({ principal, request }) => desktops.lists.of(principal, request.sessionId),
    }),
    route({
      ...watching,
      method: "GET",
      path: "/desktops/{desktop}/picture",
      operationId: "readDesktopPicture",
      summary: "See what a desktop shows now",
      description:
        "A fresh picture; asked for more often than twice a second, the same one. 409 `state_changed` while another person has taken it over.",
      answers: { 200: { description: "The screen.", mediaType: "image/png" } },
      errors: [
        "not_found",
        "state_changed",
        "desktop_unavailable",
        "bytebot_error",
        "bytebot_unavailable",
        "audit_unavailable",
        "timeout",
      ],
      head: "none",
      handle: async ({ principal, params }) => {
        requireKnown(params.desktop, principal);
        const png = await desktops.pictures.take(params.desktop, principal.keyId);
        return bytesAnswer(png, {
          headers: {
            "content-type": "image/png",
            "content-security-policy": INERT_POLICY,
            "cache-control": "no-store",
          },
        });
      },
    }),
    route({
      ...acting,
      method: "POST",
      path: "/desktops/{desktop}/takeover",
      summary: "Take a desktop over, or keep it for longer",
      description:
        "Exclusive, for so many minutes from now. Tasks that would act on it and plans that would look at it wait.",
      body: TakeoverRequest,
      answers: { 200: { description: "It is this session's.", schema: TakeoverView } },
      errors: ["not_found", "state_changed", "desktop_unavailable", "audit_unavailable", "stopped"],
      handle: async ({ principal, params, body, request }) => {
        requireKnown(params.desktop, principal);
        const holder = holderOf(principal, request.sessionId);
        const lease = await desktops.takeovers.take(params.desktop, holder, body.minutes);
        return { until: new Date(lease.until).toISOString() };
      },
    }),
    route({
      ...acting,
      method: "DELETE",
      path: "/desktops/{desktop}/takeover",
      summary: "Give a desktop back",
      answers: { 200: { description: "It is nobody's by now.", schema: ReturnedView } },
      errors: ["not_found"],
      handle: async ({ principal, params, request }) => {
        requireKnown(params.desktop, principal);
        const holder = holderOf(principal, request.sessionId);
        return { returned: await desktops.takeovers.giveBack(params.desktop, holder) };
      },
    }),
    route({
      ...acting,
      method: "POST",
      path: "/desktops/{desktop}/input",
      summary: "Act on a desktop that this session has taken over",
      description: "One action, with the parameters of the capability of its name; in order.",
      body: InputRequest,
      maxBody: 512 * 1024,
      answers: { 200: { description: "It is done.", schema: InputView } },
      errors: [
        "not_found",
        "state_changed",
        "desktop_unavailable",
        "bytebot_error",
        "bytebot_unavailable",
        "audit_unavailable",
        "timeout",
      ],
      handle: async ({ principal, params, body, request }) => {
        requireKnown(params.desktop, principal);
        const { sessionId } = holderOf(principal, request.sessionId);
        await desktops.input.perform(params.desktop, sessionId, body);
        return { done: true };
      },
    }),
    route({
      ...acting,
      method: "GET",
      path: "/desktops/{desktop}/vnc",
      summary: "Watch a desktop live: RFB 3.8 in a WebSocket",
      description:
        "For noVNC on this gateway's own pages: asks for an Origin of ours. What moves the desktop is dropped unless this session has taken it over; a message that is not known ends the connection. Codes of its end: 4001 signed out, 4002 taken over by another person, 4003 the desktop's VNC is gone, 4004 not RFB, 4005 open for an hour, 4006 input cannot be recorded.",
      answers: { 101: { description: "Bytes of RFB in binary messages, both ways." } },
      errors: [
        "not_found",
        "state_changed",
        "bytebot_unavailable",
        "audit_unavailable",
        "host_not_allowed",
      ],
      head: "none",
      handle: async ({ principal, params, request }) => {
        requireKnown(params.desktop, principal);
        const { sessionId } = holderOf(principal, request.sessionId);
        // A browser says which page opens a WebSocket, whatever site that is of.
        if (!desktops.isOwnOrigin(request.headers.origin)) {
          throw new GatewayError("host_not_allowed", "The Origin is not this gateway's.", {
            hint: "Open the live view from the console itself.",
          });
        }
        const viewer = { keyId: principal.keyId, sessionId };
        return upgradeAnswer(async (upgrade) => {
          await request.durable;
          await desktops.vnc.accept(params.desktop, viewer, upgrade, upgrade.begin);
        });
      },
    }),
  ];
}

function holderOf({ keyId, person }: Principal, sessionId: string | undefined): Holder {
  if (person === undefined || sessionId === undefined) throw new Error("no person's session");
  return { keyId, personId: person.id, name: person.name, sessionId };
}
