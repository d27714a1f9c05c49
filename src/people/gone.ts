import { GatewayError } from "../contract/errors.ts";

const WORDS = {
  link: [
    "This link cannot be used any more: it has been opened, or has expired.",
    "A link opens once. Ask an operator for another; whoever runs the host makes one with `people link`.",
  ],
  enrolment: [
    "This page cannot be used any more: somebody has finished here, or the quarter of an hour is over.",
    "Ask an operator for another link; whoever runs the host makes one with `people link`.",
  ],
  challenge: ["This took too long, or was sent twice.", "Start over: each attempt counts once."],
  session: ["Your session has ended.", "Sign in again at /console."],
} as const;

/** For what is used once, within its time, and is asked for after that: `token_invalid`. */
export function gone(what: keyof typeof WORDS): GatewayError {
  const [detail, hint] = WORDS[what];
  return new GatewayError("token_invalid", detail, { hint });
}
