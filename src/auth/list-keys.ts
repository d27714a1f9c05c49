import type { KeyView } from "../contract/operate.ts";
import type { KeyRing } from "./key-ring.ts";
import type { ManagedKey } from "./key-store.ts";
import type { KeyUse } from "./key-use.ts";
import { liveTokens } from "./managed-keys.ts";

export interface ListKeysDeps {
  readonly ring: KeyRing;
  readonly managed: { readonly alive: readonly ManagedKey[] };
  /** Keys of the console that do not count, and why. */
  readonly shadowed: ReadonlyMap<string, string>;
  readonly use: KeyUse;
}

/** Every key as an operator sees it, without a secret: those of the configuration first. */
export function listKeys({ ring, managed, shadowed, use }: ListKeysDeps): KeyView[] {
  const configured = ring.all.flatMap(({ id, principal, origin }): KeyView[] => {
    if (principal.scheme === "session" || origin === undefined || origin.source === "console") {
      return [];
    }
    const usedAt = use.ofKey(id);
    return [
      {
        id,
        scheme: principal.scheme,
        scopes: [...principal.scopes],
        capabilities: principal.capabilities && [...principal.capabilities],
        desktops: principal.desktops && [...principal.desktops],
        trusted_approval_surface: principal.trustedApprovalSurface,
        source: origin.source,
        place: origin.place,
        ...(usedAt !== undefined && { last_used_at: usedAt }),
      },
    ];
  });
  return [
    ...configured,
    ...managed.alive.map((key) => viewManaged(key, shadowed.get(key.id), use)),
  ];
}

export function viewManaged(key: ManagedKey, problem: string | undefined, use: KeyUse): KeyView {
  // Where the configuration has a key of this id, what was used is that one.
  const usedAt = problem === undefined ? use.ofKey(key.id) : undefined;
  return {
    id: key.id,
    scheme: "bearer",
    scopes: [...key.scopes],
    capabilities: key.capabilities && [...key.capabilities],
    desktops: key.desktops && [...key.desktops],
    trusted_approval_surface: key.trusted_approval_surface,
    source: "console",
    ...(problem !== undefined && { problem }),
    created_at: key.created_at,
    created_by: key.created_by,
    ...(usedAt !== undefined && { last_used_at: usedAt }),
    ...(key.expires_at !== undefined && { expires_at: key.expires_at }),
    tokens: liveTokens(key, Date.now()).map(({ sha256, created_at, expires_at }) => {
      const tokenUsedAt = use.ofToken(sha256);
      return {
        created_at,
        ...(tokenUsedAt !== undefined && { last_used_at: tokenUsedAt }),
        ...(expires_at !== undefined && { expires_at }),
      };
    }),
  };
}
