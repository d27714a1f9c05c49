import { describe, expect, it } from "vitest";
import { createFakeDriver, principalOf } from "../../test/support/tasks/fixtures.ts";
import { Desktops } from "./desktops.ts";

const driver = createFakeDriver();
const desktops = new Desktops([
  { name: "private", driver, keys: new Set(["alice"]) },
  { name: "shared", driver, keys: null },
]);
const alice = principalOf("alice", "plan");
const bob = principalOf("bob", "plan");

describe("Desktops", () => {
  it("gives a key the first desktop that is its own", () => {
    expect(desktops.find(alice, undefined).name).toBe("private");
    expect(desktops.find(bob, undefined).name).toBe("shared");
  });

  it("refuses one that another key has, by the desktop's list or the key's", () => {
    expect(() => desktops.find(bob, "private")).toThrow(/keys of the desktop/);
    const carol = { ...alice, desktops: new Set(["shared"]) };
    expect(() => desktops.find(carol, "private")).toThrow(/desktops of the key/);
    expect(desktops.of(carol).map(({ name }) => name)).toEqual(["shared"]);
  });

  it("names what there is, and only what this key may use", () => {
    expect(() => desktops.find(bob, "other")).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        extras: { hint: "Known desktops: shared." },
      }),
    );
  });

  it("refuses a key that may use none", () => {
    const nobody = { ...bob, desktops: new Set<string>() };
    expect(() => desktops.find(nobody, undefined)).toThrow(
      expect.objectContaining({ code: "scope_missing" }),
    );
  });
});
