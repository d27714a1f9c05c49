import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { canonicalAddress, isOneMachine, isOwnMachine, isPublicAddress } from "./address-rule.ts";
import { ownEndpoints } from "./own-endpoints.ts";

test.each(["93.184.216.34", "1.1.1.1", "2606:2800:220:1::1", "::ffff:8.8.8.8"])(
  "%s is public",
  (address) => expect(isPublicAddress(address)).toBe(true),
);

test.each([
  ...[
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
  ],
  ...["100.64.0.1", "192.0.0.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "240.0.0.1"],
  ...["255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1"],
  ...[
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
  ],
  ...["2001::1", "2001:db8::1", "100::1", "4000::1", "127.1", "2130706433", "a.test", ""],
])("%j is not public", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test("knows every address of this machine", () => {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const own = [
    ...interfaces.map(({ address }) => address),
    "127.1.2.3",
    "::ffff:127.0.0.1",
    "0.0.0.0",
  ];
  expect(own.filter((address) => !isOwnMachine(address))).toEqual([]);
  expect(isOwnMachine("93.184.216.34")).toBe(false);
  expect(isOwnMachine("a.test")).toBe(false);
});

test("spells each address one way, and knows those of no one machine", () => {
  expect(canonicalAddress("::FFFF:10.0.0.1")).toBe("10.0.0.1");
  expect(canonicalAddress("2606:2800:0:0:0:0:0:1")).toBe("2606:2800::1");
  expect(["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"].map(isOneMachine)).toEqual(
    Array.from({ length: 5 }, () => false),
  );
  expect(isOneMachine("10.0.0.1")).toBe(true);
});

describe("I11 own endpoints", () => {
  const endpoints = [
    { host: "127.0.0.1", port: 8089 },
    { host: "0.0.0.0", port: 8090 },
    { host: "localhost", port: 9990 },
    { host: "bytebot.test", port: 9991 },
    { host: "[2606:2800:220:1::1]", port: 9992 },
  ];
  const isOwn = ownEndpoints(
    () => endpoints,
    async (host) => {
      if (host !== "bytebot.test") throw new Error("unknown");
      return ["10.9.8.7"];
    },
  );
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const here = ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", ...addresses.map((own) => own.address)];

  test.each(here)("the gateway's and the guard's ports are own at %s", async (address) => {
    for (const port of [8089, 8090, 9990]) expect(await isOwn(address, port)).toBe(true);
    expect(await isOwn(address, 8091)).toBe(false);
  });

  test("ByteBot is own by its name and its address", async () => {
    expect(await isOwn("10.9.8.7", 9991)).toBe(true);
    expect(await isOwn("10.9.8.6", 9991)).toBe(false);
    expect(await isOwn("2606:2800:220:1:0::1", 9992)).toBe(true);
    expect(await isOwn("93.184.216.34", 8089)).toBe(false);
  });

  test("a name that cannot be resolved counts everywhere", async () => {
    const unknown = ownEndpoints(
      () => [{ host: "gone.test", port: 1 }],
      () => Promise.reject(new Error("no answer")),
    );
    expect(await unknown("93.184.216.34", 1)).toBe(true);
    expect(await unknown("93.184.216.34", 2)).toBe(false);
  });
});
