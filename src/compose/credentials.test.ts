import { describe, expect, it, vi } from "vitest";
import type { Policy } from "../contract/policy.ts";
import {
  type CredentialEnd,
  type CredentialHolders,
  endWithCredentials,
  REACTIONS,
} from "./credentials.ts";

const ENDS: { readonly [K in CredentialEnd["kind"]]: Extract<CredentialEnd, { kind: K }> } = {
  key: { kind: "key", keyId: "ci" },
  token: { kind: "token", keyId: "ci" },
  session: { kind: "session", keyId: "person:ada", sessionId: "s1" },
  policy: { kind: "policy", policy: { security: { anonymous_events: false } } as Policy },
};
const KINDS = Object.keys(ENDS) as CredentialEnd["kind"][];

/** Every source and every holder, which note what they are told. */
function open(failing?: string) {
  const told: string[] = [];
  const errors: unknown[] = [];
  const note =
    (name: string) =>
    (...args: unknown[]): never => {
      told.push([name, ...args.filter((arg) => typeof arg === "string")].join(" "));
      if (name === failing) throw new Error(`${name} failed`);
      return undefined as never;
    };
  const names = {
    events: ["closeKey", "closeAnonymous"],
    cards: ["endKey"],
    mcp: ["endKey", "toolsChanged"],
    tasks: ["revoke", "recheckGrants"],
    takeovers: ["endPerson", "endSession"],
    views: ["endPerson", "endSession"],
    desktops: ["recheck"],
  };
  const holders = Object.fromEntries(
    Object.entries(names).map(([holder, methods]) => [
      holder,
      Object.fromEntries(methods.map((method) => [method, note(`${holder}.${method}`)])),
    ]),
  ) as unknown as CredentialHolders;
  const listeners: Record<string, (...args: never[]) => void> = {};
  const listen = (name: string) => (listener: (...args: never[]) => void) => {
    listeners[name] = listener;
    return () => {};
  };
  const sources = {
    keys: { ring: { onRevoked: listen("revoked") }, managed: { onTokenEnded: listen("token") } },
    people: { onRevoked: listen("person"), onSessionEnded: listen("session") },
    policy: { onReload: listen("policy") },
  };
  const log = {
    warn: () => {},
    error: (fields: { holder: string }) => errors.push(fields.holder),
  };
  endWithCredentials({ log } as never, sources as never, holders);
  const end = (name: string, ...args: unknown[]) => {
    told.length = 0;
    listeners[name]?.(...(args as never[]));
    return [...told];
  };
  return { end, errors };
}

describe("I15 when a credential ends", () => {
  it.each(REACTIONS.map((reactions) => [reactions.holder, reactions] as const))(
    "%s react to every way, or there is a reason why not",
    (_holder, reactions) => {
      for (const kind of KINDS) {
        const reaction = reactions[kind];
        if (typeof reaction !== "function") expect(reaction.outlives.length).toBeGreaterThan(10);
      }
      expect(KINDS.some((kind) => typeof reactions[kind] === "function")).toBe(true);
    },
  );

  it.each([
    [
      "revoked",
      ["ci"],
      [
        "events.closeKey ci",
        "cards.endKey ci",
        "mcp.endKey ci",
        "tasks.revoke ci",
        "takeovers.endPerson ci",
        "views.endPerson ci",
      ],
    ],
    [
      "person",
      ["person:ada"],
      [
        "events.closeKey person:ada",
        "cards.endKey person:ada",
        "mcp.endKey person:ada",
        "tasks.revoke person:ada",
        "takeovers.endPerson person:ada",
        "views.endPerson person:ada",
      ],
    ],
    ["token", ["ci"], ["events.closeKey ci", "mcp.endKey ci"]],
    [
      "session",
      ["s1", "person:ada"],
      [
        "events.closeKey person:ada",
        "mcp.endKey person:ada",
        "takeovers.endSession s1",
        "views.endSession s1",
      ],
    ],
    [
      "policy",
      [ENDS.policy.policy],
      ["events.closeAnonymous", "mcp.toolsChanged", "tasks.recheckGrants", "desktops.recheck"],
    ],
  ])("%s is told to each who stands on it", (source, args, told) => {
    expect(open().end(source, ...args)).toEqual(told);
  });

  it("one holder that fails is logged and stops no other", async () => {
    const { end, errors } = open("cards.endKey");
    expect(end("revoked", "ci")).toHaveLength(6);
    await vi.waitFor(() => expect(errors).toEqual(["approval cards"]));
  });
});
