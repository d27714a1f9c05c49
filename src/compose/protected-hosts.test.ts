import { expect, test } from "vitest";
import type { Config } from "../config/config.ts";
import { protectedHosts } from "./protected-hosts.ts";

const CONFIG = {
  host: "127.0.0.1",
  port: 8089,
  publicUrl: "http://localhost:8089",
  guard: { host: "127.0.0.1", port: 8090 },
  driver: "embedded",
  bytebot: [],
  allowedHosts: [],
  corsOrigins: [],
  trustedProxies: [],
} as unknown as Config;

const placesOf = (changes: Partial<Config>) =>
  protectedHosts({ ...CONFIG, ...changes }).map(({ host, port }) => `${host}:${port}`);

test("I11 every name that the configuration has for the gateway is its own", () => {
  const usual = ["127.0.0.1:8089", "127.0.0.1:8090", "localhost:8089"];
  expect(placesOf({})).toEqual(usual);
  const named: [Partial<Config>, string[]][] = [
    [{ publicUrl: "https://gw.example" }, ["gw.example:80", "gw.example:443"]],
    [{ publicUrl: "https://gw.example:8443/gateway" }, ["gw.example:8443"]],
    [{ allowedHosts: ["gw.lan"] }, ["gw.lan:8089", "gw.lan:80", "gw.lan:443"]],
    [{ allowedHosts: ["gw.lan:9000", "[2001:db8::7]:443"] }, ["gw.lan:9000", "[2001:db8::7]:443"]],
    [{ allowedHosts: ["[2001:db8::7]"] }, ["[2001:db8::7]:8089"]],
    [{ corsOrigins: ["*"] }, []],
    [{ corsOrigins: ["http://localhost:3000"] }, ["localhost:3000"]],
    [{ corsOrigins: ["https://chat.example"] }, ["chat.example:80", "chat.example:443"]],
    [{ trustedProxies: ["loopback"] }, ["127.0.0.1:80", "127.0.0.1:443"]],
    [{ trustedProxies: ["10.0.0.5", "::1"] }, ["10.0.0.5:443", "::1:443"]],
    [{ trustedProxies: ["10.0.0.0/8", "linklocal", "uniquelocal"] }, []],
  ];
  for (const [changes, expected] of named) {
    const places = placesOf(changes);
    expect(places).toEqual(expect.arrayContaining(expected));
    if (expected.length === 0) expect(places).toEqual(usual);
  }
});
