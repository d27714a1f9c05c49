import type { IncomingMessage } from "node:http";
import { GatewayError } from "../contract/errors.ts";
import { isLoopbackHost } from "../lib/loopback-host.ts";
import type { OwnOrigins } from "../people/own-origins.ts";
import type { People, SignedIn } from "../people/people.ts";

/** A browser keeps the first to https, to this very host and to the path `/` (RFC 6265bis, 4.1.3.2). */
const SECURE_NAME = "__Host-bytebot_session";
const PLAIN_NAME = "bytebot_session";
const VALUE = /^[A-Za-z0-9_-]{43}$/;
const ATTRIBUTES = "Path=/; HttpOnly; SameSite=Strict";
/** s: the longest that a session runs, see sessions.ts. */
const MAX_AGE = 7 * 24 * 60 * 60;
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Whoever sends one of these speaks for a key: the cookie that a browser adds counts for nothing. */
const CREDENTIALS: readonly string[] = ["authorization", "x-signature", "x-timestamp", "x-key-id"];

type Request = Pick<IncomingMessage, "method" | "headers" | "rawHeaders">;

/**
 * Who is signed in by the request's cookie; undefined without one that counts. Throws
 * `host_not_allowed` where another site's page may have sent it, `token_invalid` for a session that
 * is over.
 */
export function readSession(
  people: Pick<People, "use" | "origins">,
  request: Request,
): SignedIn | undefined {
  const { method = "", headers } = request;
  const isForKey = Object.keys(headers).some(
    (name) => CREDENTIALS.includes(name) || name.startsWith("signature"),
  );
  if (isForKey) return undefined;
  const values = cookiesOf(request, people.origins);
  if (values.length === 0) return undefined;
  const site = headers["sec-fetch-site"];
  // A picture or frame of another site's page: it is as if nobody were signed in.
  if (SAFE.has(method) && site !== undefined && site !== "same-origin" && site !== "none") {
    return undefined;
  }
  if (!SAFE.has(method)) requireOwnOrigin(people.origins, request);
  // A page of another port or path of this host can set cookies of this name: junk does not count.
  const opened = values
    .filter((value) => VALUE.test(value))
    .map((value) => people.use(value))
    .filter((each) => each !== undefined);
  const [signedIn] = opened;
  const ids = new Set(opened.map(({ principal }) => principal.keyId));
  // Nobody may act in the name of whoever smuggled a session of their own in.
  if (ids.size > 1) throw severalPeople();
  if (signedIn !== undefined) return signedIn;
  throw new GatewayError("token_invalid", "The session of this cookie is over.", {
    hint: "Sign in again at /console.",
  });
}

function severalPeople(): GatewayError {
  return new GatewayError(
    "token_invalid",
    "This browser sends the sessions of two people at once, so neither counts.",
    {
      hint: "Another page of this host may have set one. Delete this host's cookies in the browser, then sign in again at /console.",
    },
  );
}

/**
 * The page that a person's request comes from, which must be the gateway's own. Throws
 * `host_not_allowed`.
 */
export function requireOwnOrigin(origins: OwnOrigins, { headers }: Request): string {
  const { origin } = headers;
  const site = headers["sec-fetch-site"];
  if (origins.isOwn(origin) && (site === undefined || site === "same-origin")) return origin;
  throw new GatewayError(
    "host_not_allowed",
    "What a person does comes from the gateway's own page: Origin is PUBLIC_URL's or a loopback name with this port.",
    { hint: "Open /console under PUBLIC_URL; the operator sets it to what people type." },
  );
}

/** For Set-Cookie: what opens the session, out of reach of scripts. */
export function sessionCookie(token: string, origin: string): string {
  const kept = `${token}; ${ATTRIBUTES}; Max-Age=${MAX_AGE}`;
  return origin.startsWith("https:") ? `${SECURE_NAME}=${kept}; Secure` : `${PLAIN_NAME}=${kept}`;
}

/** For Set-Cookie: forget it, whichever it was. */
export function noCookies(): string[] {
  return [
    `${SECURE_NAME}=; ${ATTRIBUTES}; Secure; Max-Age=0`,
    `${PLAIN_NAME}=; ${ATTRIBUTES}; Max-Age=0`,
  ];
}

/** Under an https name only the one that no neighbouring host can set. */
function cookiesOf({ headers }: Request, origins: OwnOrigins): string[] {
  const { cookie, host = "", origin } = headers;
  if (cookie === undefined) return [];
  const pairs = cookie.split(";").map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return { name: name.trim(), value: value.join("=").trim() };
  });
  const named = (wanted: string) =>
    pairs.filter(({ name }) => name === wanted).map(({ value }) => value);
  const secure = named(SECURE_NAME);
  const isLocal = isLoopbackHost(host.replace(/:\d+$/, ""));
  const isSecure = origins.isOwn(origin) && origin.startsWith("https:");
  const takesPlain = !isSecure && (isLocal || !origins.isPublicSecure);
  return secure.length === 0 && takesPlain ? named(PLAIN_NAME) : secure;
}
