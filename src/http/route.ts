import type { FastifyRequest } from "fastify";
import type { Static, TSchema } from "typebox";
import type { ErrorCode } from "../contract/errors.ts";
import type { Principal, Scope } from "../contract/principal.ts";

/** `open`: nobody is asked. `optional`: credentials are checked if there are any. Else: one of the scopes. */
export type Access = "open" | "optional" | readonly Scope[];

export const TAGS = [
  "Tasks",
  "Tools",
  "Desktops",
  "Events",
  "Control",
  "People",
  "Service",
] as const;

/** What a route answers with one status. */
export interface Answer {
  readonly description: string;
  /** Absent: no JSON. */
  readonly schema?: TSchema;
  /** `application/json` where there is a schema and nothing is said. */
  readonly mediaType?: string;
  /** Headers of the answer by name: what they say. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes that it may be instead. */
  readonly orBytes?: readonly string[];
}

export interface Call<Who, Body, Query, Params> {
  readonly principal: Who;
  readonly body: Body;
  readonly query: Query;
  readonly params: Params;
  readonly request: FastifyRequest;
  /** Aborts when the client goes or the server closes. */
  readonly signal: AbortSignal;
}

interface RouteSpec<A extends Access, B extends TSchema, Q extends TSchema, P extends TSchema> {
  readonly method: "GET" | "POST" | "DELETE";
  /** As OpenAPI writes it: `/tasks/{task_id}`. */
  readonly path: string;
  /** Absent where a person decides: programs that make tools of operations pass over it then. */
  readonly operationId?: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: (typeof TAGS)[number];
  readonly access: A;
  /** Only people who are signed in: no key, whatever its scopes. */
  readonly sessionOnly?: true;
  /** Of people, operators alone. What keys may follows from `access`. */
  readonly operators?: true;
  /** Who is signed in has proved within five minutes who they are: what lets somebody in. */
  readonly freshSignIn?: true;
  /** Requests that need no credentials although others do. */
  readonly isOpenTo?: (request: FastifyRequest) => boolean;
  /** What a legacy signature is over; `request` where nothing is said. */
  readonly signs?: "body" | "request";
  /** It is done even where the disk cannot take its signature: done once more, it does no harm. */
  readonly evenUnrecorded?: true;
  readonly body?: B;
  /** An absent body is `{}`. */
  readonly bodyOptional?: boolean;
  /** Bytes of the largest body, where that is less than what others take. */
  readonly maxBody?: number;
  /** Closed. Absent: any query is refused, unless `anyQuery`. */
  readonly query?: Q;
  /** The query does not matter (probes, pages). */
  readonly anyQuery?: boolean;
  /** Values of the path. What does not match is as absent as what does not exist. */
  readonly params?: P;
  /** What a value of the path looks like, unanchored, where another route shares its place. */
  readonly segment?: RegExp;
  readonly missing?: Extract<ErrorCode, "not_found" | "task_not_found" | "artifact_not_found">;
  readonly headers?: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Codes it may answer besides those of its stages. */
  readonly errors?: readonly ErrorCode[];
  /** HEAD: `derived` from GET unless it is `handled` here, or there is `none`. */
  readonly head?: "handled" | "none";
  /** Resolves with what is sent as JSON with 200, or with an `HttpAnswer`. It never sends by itself. */
  handle(
    call: Call<
      A extends readonly Scope[] ? Principal : Principal | undefined,
      Static<B>,
      Static<Q>,
      Static<P>
    >,
  ): unknown;
}

/** A declared route, with what its handler expects already checked when it is called. */
export type Route = Omit<RouteSpec<Access, TSchema, TSchema, TSchema>, "handle"> & {
  handle(call: Call<Principal | undefined, unknown, unknown, unknown>): unknown;
};

/** Declares a route: its handler's types follow from its schemas and its access. */
export function route<
  const A extends Access,
  B extends TSchema = TSchema,
  Q extends TSchema = TSchema,
  P extends TSchema = TSchema,
>(spec: RouteSpec<A, B, Q, P>): Route {
  // The stages check what the types promise the handler.
  return spec as unknown as Route;
}

/** Whose session a call comes with, on a route that is `sessionOnly`. */
export function personOf({ person }: Principal): string {
  if (person === undefined) throw new Error("a route for people was entered without one");
  return person.id;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Who is calling; undefined for anonymous requests. */
    principal: Principal | undefined;
    /** Names the session of a person's request; no secret. */
    sessionId: string | undefined;
    /** Settles when the accepted signature would survive a crash. */
    durable: Promise<void> | undefined;
    /** For the access log. */
    taskId: string | undefined;
    errorCode: string | undefined;
  }
  interface FastifyContextConfig {
    /** The route's path as OpenAPI writes it. */
    route?: string;
  }
}
