import type { FastifyRequest } from "fastify";
import Type from "typebox";
import { GatewayError } from "../../contract/errors.ts";
import {
  AddPasskeyRequest,
  Assertion,
  CeremonyView,
  EnrolmentView,
  EnrolOptionsRequest,
  EnrolRequest,
  OpenLinkRequest,
  PasskeyList,
  PasskeyParams,
  PasswordRequest,
  RemovedView,
  SessionView,
  SignedOutView,
  StepUpRequest,
  WebAuthnOptions,
} from "../../contract/people.ts";
import type { Caller } from "../../people/people-parts.ts";
import type { NewSession } from "../../people/sessions.ts";
import { bytesAnswer, type HttpAnswer, jsonAnswer } from "../answer.ts";
import type { HttpDeps } from "../http-deps.ts";
import { problemOf, toGatewayError } from "../problem.ts";
import { personOf, type Route, route } from "../route.ts";
import { noCookies, readSession, requireOwnOrigin, sessionCookie } from "../session-cookie.ts";

type Deps = Pick<HttpDeps, "people" | "rateLimiter">;

const EMPTY = Type.Object({}, { additionalProperties: false });
/** Bytes: a browser's answer with the largest keys and certificates. */
const MAX_BODY = 64 * 1024;
/** Requests a minute from one address of whoever has not signed in. */
const STRANGER_PER_MINUTE = 300;

const REFUSALS = ["host_not_allowed", "rate_limited", "audit_unavailable"] as const;
const SIGNED_IN = { 200: { description: "Signed in.", schema: SessionView } };

/**
 * How people sign in and out. None of it has an operation id: no program is to make a tool of it, and
 * no key stands in for a person.
 */
export function createSessionRoutes(deps: Deps): Route[] {
  const stranger = {
    method: "POST",
    tag: "People",
    access: "open",
    maxBody: MAX_BODY,
  } as const;
  const own = { tag: "People", access: ["read"], sessionOnly: true } as const;
  return [
    route({
      ...own,
      method: "GET",
      path: "/session",
      summary: "Who is signed in",
      answers: { 200: { description: "The session.", schema: SessionView } },
      handle: ({ request }) => deps.people.view(request.sessionId ?? "", originOf(deps, request)),
    }),
    route({
      ...stranger,
      path: "/session/link",
      summary: "Open a one-time link",
      description: "Uses it up, whatever comes of it. One that is used, over or made up is 401.",
      body: OpenLinkRequest,
      answers: { 200: { description: "What the link is for.", schema: EnrolmentView } },
      errors: ["token_invalid", ...REFUSALS],
      handle: ({ body, request }) =>
        deps.people.enrolments.openLink(body.token, admit(deps, request)),
    }),
    route({
      ...stranger,
      path: "/session/enrol/options",
      summary: "Options for making the first passkey",
      body: EnrolOptionsRequest,
      answers: {
        200: { description: "For navigator.credentials.create.", schema: WebAuthnOptions },
      },
      errors: ["token_invalid", ...REFUSALS],
      handle: ({ body, request }) =>
        deps.people.enrolments.options(body.enrolment, body.name, admit(deps, request)),
    }),
    route({
      ...stranger,
      path: "/session/enrol",
      summary: "Become a person who can sign in, and sign in",
      description:
        "Either `passkey` or `password`. A recovery replaces what there was and ends its sessions.",
      body: EnrolRequest,
      answers: SIGNED_IN,
      errors: ["token_invalid", "signature_invalid", "state_changed", ...REFUSALS],
      handle: async ({ body, request }) => {
        const caller = admit(deps, request);
        return begin(request, caller, await deps.people.enrolments.enrol(body, caller));
      },
    }),
    route({
      ...stranger,
      path: "/session/passkey/options",
      summary: "Options for signing in with a passkey",
      body: EMPTY,
      bodyOptional: true,
      answers: { 200: { description: "For navigator.credentials.get.", schema: CeremonyView } },
      errors: REFUSALS,
      handle: ({ request }) => deps.people.signIn.options(admit(deps, request)),
    }),
    route({
      ...stranger,
      path: "/session/passkey",
      summary: "Sign in with a passkey",
      body: Assertion,
      answers: SIGNED_IN,
      errors: ["token_invalid", "signature_invalid", ...REFUSALS],
      handle: async ({ body, request }) => {
        const caller = admit(deps, request);
        return begin(request, caller, await deps.people.signIn.withPasskey(body, caller));
      },
    }),
    route({
      ...stranger,
      path: "/session/password",
      summary: "Sign in with a password",
      description: "Wrong ones make the next wait, per id and address; many take lockManager.",
      body: PasswordRequest,
      answers: SIGNED_IN,
      errors: ["token_invalid", ...REFUSALS],
      handle: async ({ body: { id, password }, request }) => {
        const caller = admit(deps, request);
        const session = await deps.people.signIn.withPassword(id, password, caller);
        return begin(request, caller, session);
      },
    }),
    route({
      ...own,
      method: "POST",
      path: "/session/step-up",
      summary: "Prove again who one is",
      description:
        "With `assertion`, an answer to POST /session/passkey/options, or with `password`. What lets somebody in (people, links, keys, passkeys) takes a sign-in or this of the last five minutes.",
      body: StepUpRequest,
      maxBody: MAX_BODY,
      answers: { 200: { description: "The session goes on.", schema: SessionView } },
      errors: ["token_invalid", "signature_invalid", ...REFUSALS],
      handle: async ({ body, request }) => {
        const caller = admit(deps, request);
        const id = request.sessionId ?? "";
        await deps.people.signIn.stepUp(id, body, caller);
        return deps.people.view(id, caller.origin);
      },
    }),
    route({
      ...own,
      method: "DELETE",
      path: "/session",
      summary: "Sign out",
      description: "The session is gone at once, and its streams end.",
      answers: { 200: { description: "Signed out.", schema: SignedOutView } },
      errors: REFUSALS,
      handle: async ({ request }) => {
        // Also where it cannot be recorded: this browser has it no more.
        const cleared = { "set-cookie": noCookies() };
        try {
          await deps.people.signOut(request.sessionId ?? "");
        } catch (error) {
          const failed = toGatewayError(error);
          request.errorCode = failed.code;
          const { status, headers, body } = problemOf(failed, request.id);
          return bytesAnswer(body, { status, headers: { ...headers, ...cleared } });
        }
        return jsonAnswer({ signed_in: false }, { headers: cleared });
      },
    }),
    route({
      ...own,
      method: "GET",
      path: "/session/passkeys",
      summary: "List one's own passkeys",
      answers: { 200: { description: "Oldest first.", schema: PasskeyList } },
      handle: ({ principal }) => deps.people.passkeys.list(personOf(principal)),
    }),
    route({
      ...own,
      method: "POST",
      path: "/session/passkeys/options",
      summary: "Options for making another passkey",
      description: "Takes a sign-in, or POST /session/step-up, of the last five minutes.",
      body: EMPTY,
      bodyOptional: true,
      answers: { 200: { description: "For navigator.credentials.create.", schema: CeremonyView } },
      errors: ["token_invalid", "state_changed", ...REFUSALS],
      handle: ({ principal, request }) =>
        deps.people.passkeys.options(
          personOf(principal),
          request.sessionId ?? "",
          callerOf(deps, request),
        ),
    }),
    route({
      ...own,
      method: "POST",
      path: "/session/passkeys",
      summary: "Add a passkey",
      body: AddPasskeyRequest,
      maxBody: MAX_BODY,
      answers: { 200: { description: "All of one's own.", schema: PasskeyList } },
      errors: ["token_invalid", "signature_invalid", "state_changed", ...REFUSALS],
      handle: ({ principal, body, request }) =>
        deps.people.passkeys.add(personOf(principal), request.sessionId ?? "", body),
    }),
    route({
      ...own,
      method: "DELETE",
      path: "/session/passkeys/{passkey_id}",
      summary: "Remove one of one's own passkeys",
      description: "The last way to sign in stays.",
      params: PasskeyParams,
      segment: /[A-Za-z0-9_-]{16,1366}/,
      missing: "not_found",
      answers: { 200: { description: "It is gone.", schema: RemovedView } },
      errors: ["not_found", "state_changed", ...REFUSALS],
      handle: async ({ principal, params: { passkey_id: id }, request }) => {
        await deps.people.passkeys.remove(personOf(principal), request.sessionId ?? "", id);
        return { removed: id };
      },
    }),
  ];

  async function begin(
    request: FastifyRequest,
    { origin }: Caller,
    session: NewSession,
  ): Promise<HttpAnswer> {
    await endFormer(request);
    request.sessionId = session.record.id;
    const view: SessionView = deps.people.view(session.record.id, origin);
    const headers = { "set-cookie": sessionCookie(session.token, origin) };
    return jsonAnswer(view, { headers });
  }

  /** Whoever signs in again in a browser leaves no second session behind there. */
  async function endFormer(request: FastifyRequest): Promise<void> {
    let former: string | undefined;
    try {
      former = readSession(deps.people, request.raw)?.sessionId;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
    }
    if (former !== undefined) await deps.people.signOut(former);
  }
}

/** Before anybody is known: the page must be our own, and not ask too often. */
function admit(deps: Deps, request: FastifyRequest): Caller {
  const caller = callerOf(deps, request);
  const taken = deps.rateLimiter.take(`sign-in ${request.ip}`, STRANGER_PER_MINUTE);
  if (taken.ok) return caller;
  throw new GatewayError("rate_limited", "Too many attempts to sign in from this address.", {
    retry_after: taken.retryAfter,
    hint: "Wait as long as Retry-After says.",
  });
}

function callerOf({ people }: Deps, request: FastifyRequest): Caller {
  return { origin: requireOwnOrigin(people.origins, request.raw), ip: request.ip };
}

/** Browsers send no Origin with a GET of their own page: then by the host that was asked. */
function originOf({ people }: Deps, { raw }: FastifyRequest): string | undefined {
  const { origin, host = "" } = raw.headers;
  return [origin, `https://${host}`, `http://${host}`].find((at) => people.origins.isOwn(at));
}
