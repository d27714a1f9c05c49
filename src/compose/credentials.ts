import type { Policy } from "../contract/policy.ts";
import type { EventHub } from "../events/event-hub.ts";
import type { Mcp } from "../mcp/mcp.ts";
import type { People } from "../people/people.ts";
import type { PolicySource } from "../policy/policy-source.ts";
import type { Takeovers } from "../takeover/takeovers.ts";
import type { TaskEngine } from "../tasks/task-engine.ts";
import type { Cards } from "../tools/cards/cards.ts";
import type { VncProxy } from "../vnc/vnc-proxy.ts";
import type { OpenedDesktops } from "./desktops.ts";
import type { Foundation } from "./foundation.ts";
import type { Keys } from "./keys.ts";

/** How what somebody may do comes to an end, and whose. */
export type CredentialEnd =
  /** A key was revoked, ran out, lost a scope or got another secret; a person was removed or given other credentials. */
  | { readonly kind: "key"; readonly keyId: string }
  /** One token of a key that lives on: it was rotated or its overlap is over. */
  | { readonly kind: "token"; readonly keyId: string }
  /** A person signed out, or was signed out. */
  | { readonly kind: "session"; readonly keyId: string; readonly sessionId: string }
  /** The policy is another, perhaps a stricter one. */
  | { readonly kind: "policy"; readonly policy: Policy };

type Kind = CredentialEnd["kind"];

/** Everything that acts or shows something on the strength of a credential. */
export interface CredentialHolders {
  readonly events: Pick<EventHub, "closeKey" | "closeAnonymous">;
  readonly cards: Pick<Cards, "endKey">;
  readonly mcp: Pick<Mcp, "endKey" | "toolsChanged">;
  readonly tasks: Pick<TaskEngine, "revoke" | "recheckGrants">;
  readonly takeovers: Pick<Takeovers, "endPerson" | "endSession">;
  readonly views: Pick<VncProxy, "endPerson" | "endSession">;
  readonly desktops: Pick<OpenedDesktops, "recheck">;
}

/** What a holder does at an end of this kind, or why it does nothing. */
type Reaction<K extends Kind> =
  | ((
      holders: CredentialHolders,
      end: Extract<CredentialEnd, { readonly kind: K }>,
    ) => void | Promise<void>)
  | { readonly outlives: string };

/** Who reacts to which end, and how: the one list of it. */
export const REACTIONS: readonly ({ readonly holder: string } & {
  readonly [K in Kind]: Reaction<K>;
})[] = [
  {
    holder: "event streams",
    key: ({ events }, { keyId }) => events.closeKey(keyId),
    token: ({ events }, { keyId }) => events.closeKey(keyId),
    // Those of the person's other sessions come back by themselves.
    session: ({ events }, { keyId }) => events.closeKey(keyId),
    policy: ({ events }, { policy }) => {
      if (!policy.security.anonymous_events) events.closeAnonymous();
    },
  },
  {
    holder: "approval cards",
    key: ({ cards }, { keyId }) => cards.endKey(keyId),
    token: { outlives: "a card acts with the rights of its key, which lives on" },
    session: { outlives: "cards belong to keys" },
    policy: { outlives: "each decision asks the policy then" },
  },
  {
    holder: "MCP sessions and streams",
    key: ({ mcp }, { keyId }) => mcp.endKey(keyId),
    token: ({ mcp }, { keyId }) => mcp.endKey(keyId),
    session: ({ mcp }, { keyId }) => mcp.endKey(keyId),
    policy: ({ mcp }) => mcp.toolsChanged(),
  },
  {
    holder: "tasks, approvals and grants",
    key: ({ tasks }, { keyId }) => tasks.revoke(keyId),
    token: { outlives: "work belongs to the key, which lives on" },
    session: { outlives: "work belongs to the person, not to one session" },
    policy: ({ tasks }) => tasks.recheckGrants(),
  },
  {
    holder: "takeovers",
    key: ({ takeovers }, { keyId }) => takeovers.endPerson(keyId),
    token: { outlives: "people have no tokens" },
    session: ({ takeovers }, { sessionId }) => takeovers.endSession(sessionId),
    policy: { outlives: "each input asks the policy then" },
  },
  {
    holder: "live views of desktops",
    key: ({ views }, { keyId }) => views.endPerson(keyId),
    token: { outlives: "people have no tokens" },
    session: ({ views }, { sessionId }) => views.endSession(sessionId),
    policy: { outlives: "policy says what may be done, not who may watch" },
  },
  {
    holder: "connections of the desktop's programs",
    key: { outlives: "programs of the desktop have no key" },
    token: { outlives: "programs of the desktop have no key" },
    session: { outlives: "programs of the desktop have no session" },
    policy: ({ desktops }) => desktops.recheck(),
  },
];

/** Where credentials end. */
export interface CredentialSources {
  readonly keys: Pick<Keys, "ring" | "managed">;
  readonly people: Pick<People, "onRevoked" | "onSessionEnded">;
  readonly policy: Pick<PolicySource, "onReload">;
}

/** From now on every holder reacts to every end. A holder that fails is logged and stops no other. */
export function endWithCredentials(
  { log }: Pick<Foundation, "log">,
  { keys, people, policy }: CredentialSources,
  holders: CredentialHolders,
): void {
  const announce = (end: CredentialEnd) => endCredential(end, holders, log);
  const revoke = (keyId: string) => {
    log.warn({ key_id: keyId }, "key revoked");
    announce({ kind: "key", keyId });
  };
  keys.ring.onRevoked(revoke);
  people.onRevoked(revoke);
  keys.managed.onTokenEnded((keyId) => announce({ kind: "token", keyId }));
  people.onSessionEnded((sessionId, keyId) => announce({ kind: "session", keyId, sessionId }));
  policy.onReload((present) => announce({ kind: "policy", policy: present }));
}

function endCredential(
  end: CredentialEnd,
  holders: CredentialHolders,
  log: Foundation["log"],
): void {
  for (const reactions of REACTIONS) {
    const reaction = reactions[end.kind] as Reaction<Kind>;
    if (typeof reaction !== "function") continue;
    const react = async () => reaction(holders, end as never);
    react().catch((err: unknown) =>
      log.error(
        { err, holder: reactions.holder, end: end.kind },
        "what stood on a credential did not end",
      ),
    );
  }
}
