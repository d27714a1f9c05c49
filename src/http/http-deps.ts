import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import type { Admin } from "../admin/admin.ts";
import type { Artifact } from "../artifacts/artifact-store.ts";
import type { AuditSearcher } from "../audit/audit-search.ts";
import type { AuditStore } from "../audit/audit-store.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import type { KeyService } from "../auth/key-service.ts";
import type { Config } from "../config/config.ts";
import type { VerificationView } from "../contract/operate.ts";
import type { Policy } from "../contract/policy.ts";
import type { Principal } from "../contract/principal.ts";
import type { CapabilitiesView, ReadyView } from "../contract/service.ts";
import type { RequestedBy } from "../contract/task.ts";
import type { EventHub } from "../events/event-hub.ts";
import type { Mcp } from "../mcp/mcp.ts";
import type { Notifier } from "../notify/notifier.ts";
import type { People } from "../people/people.ts";
import type { DesktopLists } from "../takeover/desktop-list.ts";
import type { DesktopPictures } from "../takeover/desktop-pictures.ts";
import type { TakeoverInput } from "../takeover/takeover-input.ts";
import type { Takeovers } from "../takeover/takeovers.ts";
import type { GrantService } from "../tasks/grants/grant-service.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { Cards } from "../tools/cards/cards.ts";
import type { ToolList } from "../tools/tool-list.ts";
import type { ToolRunner } from "../tools/tool-runner.ts";
import type { VncProxy } from "../vnc/vnc-proxy.ts";

/** An answer that has left, for metrics. */
export interface Answered {
  readonly method: string;
  /** The route's path as OpenAPI writes it; undefined where none matched. */
  readonly route: string | undefined;
  readonly status: number;
  readonly seconds: number;
}

/** Everything the HTTP server is handed. */
export interface HttpDeps {
  readonly version: string;
  readonly log: Logger;
  readonly config: Pick<Config, "publicUrl" | "allowedHosts" | "corsOrigins" | "trustedProxies">;
  /** Largest request body, bytes. */
  readonly bodyLimit: number;
  readonly authenticator: Pick<Authenticator, "authenticate" | "precheck">;
  readonly people: People;
  /** Keys and people that hold at this moment. */
  readonly keys: { principal(keyId: string): Principal | undefined };
  readonly keyService: Pick<KeyService, "list" | "create" | "rotate" | "revoke">;
  readonly admin: Admin;
  readonly policy: { readonly current: Policy };
  readonly rateLimiter: {
    take(keyId: string, perMinute: number): { ok: true } | { ok: false; retryAfter: number };
  };
  readonly tasks: Tasks;
  readonly grants: Pick<GrantService, "list" | "give" | "revoke">;
  /** Closed by the server when it closes. */
  readonly events: EventHub;
  readonly audit: Pick<AuditStore, "head"> &
    AuditSearcher & { verification(): Promise<VerificationView> };
  readonly notifications: Pick<Notifier, "list" | "retry">;
  readonly artifacts: {
    find(id: string): Promise<Artifact | undefined>;
    /** Rejects with `artifact_not_found` where the bytes are gone. */
    open(artifact: Artifact): Promise<Readable>;
  };
  /** With a principal also parameters, confirmation and limits. */
  readonly capabilities: (principal: Principal | undefined) => CapabilitiesView;
  readonly desktops: {
    isKnown(name: string): boolean;
    /** Whether a page of this gateway has sent a request. */
    isOwnOrigin(origin: string | undefined): boolean;
    readonly lists: Pick<DesktopLists, "of">;
    readonly pictures: Pick<DesktopPictures, "take">;
    readonly takeovers: Pick<Takeovers, "take" | "giveBack">;
    readonly input: Pick<TakeoverInput, "perform">;
    /** Closed by the server when it closes. */
    readonly vnc: Pick<VncProxy, "accept" | "close">;
  };
  readonly tools: {
    readonly list: Pick<ToolList, "of">;
    readonly runner: Pick<ToolRunner, "call">;
    readonly cards: Pick<Cards, "issue" | "open" | "subject" | "state" | "decide" | "showsPrivate">;
    /** Whom a request says it is for. Throws `token_invalid` for a token that does not hold. */
    readonly requestedBy: (headers: IncomingHttpHeaders) => Promise<RequestedBy | undefined>;
    /** Without a slash at its end. */
    readonly publicUrl: () => string;
  };
  /** Closed by the server when it closes. */
  readonly mcp: Pick<Mcp, "handle" | "close">;
  readonly readiness: () => Promise<ReadyView>;
  /** A prom-client registry. */
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> };
  readonly observe?: (answered: Answered) => void;
}
