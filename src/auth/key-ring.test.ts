import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { KeyDefinition } from "../contract/key.ts";
import type { Scope } from "../contract/principal.ts";
import { KeyRing } from "./key-ring.ts";

const define = (
  keyId: string,
  secret: string,
  scopes: Scope[] = ["plan", "execute", "read"],
  scheme: "hmac" | "bearer" = "hmac",
): KeyDefinition => ({
  principal: {
    keyId,
    scheme,
    scopes: new Set(scopes),
    capabilities: null,
    desktops: null,
    trustedApprovalSurface: false,
  },
  secret: scheme === "hmac" ? Buffer.from(secret) : createHash("sha256").update(secret).digest(),
});

describe("KeyRing", () => {
  it("finds keys by id, and bearer keys by their token", () => {
    const ring = new KeyRing([define("a", "one"), define("b", "two", ["read"], "bearer")]);
    expect(ring.find("a")?.principal.keyId).toBe("a");
    expect(ring.principal("b")?.scheme).toBe("bearer");
    expect(ring.principal("c")).toBeUndefined();
    expect(ring.findByToken("two")?.key.id).toBe("b");
    expect(ring.findByToken("one")).toBeUndefined();
    expect(ring.findByToken("")).toBeUndefined();
  });

  it("I15 tells of keys that are gone, have another secret, another scheme or lost a scope", () => {
    const ring = new KeyRing(
      ["gone", "secret", "scheme", "scope", "same", "more"].map((id) => define(id, id)),
    );
    const revoked: [string, boolean][] = [];
    ring.onRevoked((id) => revoked.push([id, ring.principal(id) !== undefined]));
    ring.replace([
      define("secret", "another"),
      define("scheme", "scheme", undefined, "bearer"),
      define("scope", "scope", ["plan", "read"]),
      define("same", "same"),
      {
        ...define("more", "more"),
        principal: { ...define("more", "more").principal, trustedApprovalSurface: true },
      },
      define("new", "new"),
    ]);
    expect(revoked).toEqual([
      ["gone", false],
      ["secret", true],
      ["scheme", true],
      ["scope", true],
    ]);
    expect(ring.principal("new")).toBeDefined();
  });

  it("I15 forgets a revoked token, and a listener that ended", () => {
    const ring = new KeyRing([define("b", "two", ["read"], "bearer")]);
    const calls: string[] = [];
    const end = ring.onRevoked((id) => calls.push(id));
    ring.replace([]);
    expect(ring.findByToken("two")).toBeUndefined();
    end();
    ring.replace([define("b", "two")]);
    ring.replace([]);
    expect(calls).toEqual(["b"]);
  });
});
