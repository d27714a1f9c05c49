import { expect, test, vi } from "vitest";
import { PUBLIC } from "../../../../test/support/drivers/embedded/egress/fixtures.ts";
import { admit } from "./egress-gate.ts";

const OTHER = "93.184.216.99";

vi.mock("node:os", async (original) => ({
  ...(await original<typeof import("node:os")>()),
  networkInterfaces: () => ({ eth0: [{ address: PUBLIC, family: "IPv4", internal: false }] }),
}));

const target = { scheme: "https", host: "shop.test", port: 8443 } as const;
const never = new AbortController().signal;

const admission = (addresses: readonly string[], listedPort: boolean) =>
  admit(
    {
      decide: () => ({ allowed: true, listedPort }),
      isOwn: async () => false,
      resolve: async () => addresses,
    },
    target,
    never,
  );

test("I11 a name of this machine's public address is reached only at a port that is listed", async () => {
  expect(await admission([PUBLIC], false)).toMatchObject({
    kind: "rule",
    refused: expect.stringContaining("this machine"),
  });
  expect(await admission([PUBLIC], true)).toEqual({ addresses: [PUBLIC], opaque: true });
  expect(await admission([PUBLIC, OTHER], false)).toEqual({ addresses: [OTHER], opaque: true });
});
