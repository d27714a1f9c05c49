import Type, { type Static } from "typebox";

const closed = { additionalProperties: false } as const;
const Time = Type.String({ format: "date-time", description: "ISO 8601, UTC" });

/** As in config/bytebot.json; `embedded` of the embedded driver. */
export const DesktopParams = Type.Object({
  desktop: Type.String({ pattern: "^[a-z0-9][a-z0-9._-]{0,63}$" }),
});

/**
 * How a desktop is watched: `vnc` at GET /desktops/{desktop}/vnc, `picture` by asking for a picture
 * again and again, `none` where it has no screen.
 */
export const LIVE_VIEWS = ["vnc", "picture", "none"] as const;
export type LiveView = (typeof LIVE_VIEWS)[number];

/** Who has taken a desktop over, and until when. */
const LeaseView = Type.Object({
  person_id: Type.String(),
  name: Type.String(),
  until: Time,
  mine: Type.Boolean({ description: "This very session holds it: its input reaches the desktop." }),
});

export const DesktopView = Type.Object({
  name: Type.String(),
  driver: Type.String(),
  available: Type.Boolean(),
  /** Why it is not available, or what is wrong with it, and what to do. */
  reason: Type.Optional(Type.String()),
  hint: Type.Optional(Type.String()),
  /** Pixels; absent until the first picture of it. */
  screen: Type.Optional(Type.Object({ width: Type.Integer(), height: Type.Integer() })),
  live: Type.Enum([...LIVE_VIEWS]),
  /** The task that holds it at this moment. */
  busy_with: Type.Optional(Type.String()),
  lease: Type.Optional(LeaseView),
});
export type DesktopView = Static<typeof DesktopView>;
export const DesktopList = Type.Object({ desktops: Type.Array(DesktopView) });
export type DesktopList = Static<typeof DesktopList>;

/** Longest lease, minutes; it may be renewed. */
const MAX_TAKEOVER_MINUTES = 60;
export const TakeoverRequest = Type.Object(
  { minutes: Type.Integer({ minimum: 1, maximum: MAX_TAKEOVER_MINUTES }) },
  closed,
);
export const TakeoverView = Type.Object({ until: Time });
export type TakeoverView = Static<typeof TakeoverView>;
/** DELETE: whether there was a lease of this person to end. */
export const ReturnedView = Type.Object({ returned: Type.Boolean() });
export type ReturnedView = Static<typeof ReturnedView>;

/** Pointer and keyboard: what a lease lets a person do, with the parameters of the capability of that name. */
export const INPUT_ACTIONS = [
  "mouse.move",
  "mouse.click",
  "mouse.press",
  "mouse.drag",
  "mouse.trace",
  "mouse.scroll",
  "keyboard.type",
  "keyboard.paste",
  "keyboard.chord",
  "keyboard.press",
] as const;

export const InputRequest = Type.Object(
  {
    action: Type.Enum([...INPUT_ACTIONS]),
    parameters: Type.Record(Type.String(), Type.Unknown()),
  },
  closed,
);
export type InputRequest = Static<typeof InputRequest>;
export const InputView = Type.Object({ done: Type.Literal(true) });

/** Why the gateway closes a connection to /desktops/{desktop}/vnc (codes of RFC 6455, section 7.4.2). */
export const VNC_CLOSE_CODES = {
  /** Signed out, expired or revoked: sign in again. */
  signed_out: 4001,
  /** Another person has taken the desktop over. */
  taken_over: 4002,
  /** The desktop's own VNC cannot be reached or broke off: pictures may still work. */
  desktop_unavailable: 4003,
  /** Something was sent that is no RFB message this gateway knows. */
  protocol: 4004,
  /** Open for as long as a connection may be: open it again. */
  too_long: 4005,
  /** What was typed can no longer be recorded. */
  audit_unavailable: 4006,
} as const;
export type VncCloseReason = keyof typeof VNC_CLOSE_CODES;
