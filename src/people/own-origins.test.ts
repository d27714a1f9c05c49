import { describe, expect, it, test } from "vitest";
import { OwnOrigins, relyingPartyOf } from "./own-origins.ts";

const origins = (publicUrl: string, port = 8089) => new OwnOrigins(() => ({ publicUrl, port }));

describe("isOwn", () => {
  test.each([
    ["https://gateway.example", true],
    ["http://localhost:8089", true],
    ["http://127.0.0.1:8089", true],
    ["http://[::1]:8089", true],
    ["http://gateway.example", false],
    ["https://gateway.example:8443", false],
    ["https://gateway.example.evil.example", false],
    ["https://a.gateway.example", false],
    ["http://localhost", false],
    ["http://localhost:3000", false],
    ["https://localhost:8089", false],
    ["http://127.0.0.2:8089", false],
    ["null", false],
    ["", false],
    [undefined, false],
  ])("%s: %s", (origin, own) => {
    expect(origins("https://gateway.example/base").isOwn(origin)).toBe(own);
  });

  it("knows that a browser leaves the usual port out", () => {
    expect(origins("http://localhost:80", 80).isOwn("http://localhost")).toBe(true);
  });
});

describe("links lead", () => {
  test.each([
    ["http://localhost:8089", "http://localhost:8089"],
    ["http://127.0.0.1:8089", "http://localhost:8089"],
    ["http://[::1]:8089", "http://localhost:8089"],
    ["http://192.168.1.5:8089", "http://192.168.1.5:8089"],
    ["https://gateway.example/base", "https://gateway.example/base"],
  ])("for %s to %s", (publicUrl, base) => {
    expect(origins(publicUrl).linkBase).toBe(base);
  });
});

test.each([
  ["https://gateway.example:8443", "gateway.example"],
  ["http://localhost:8089", "localhost"],
  ["http://gw.localhost:8089", "gw.localhost"],
  ["http://gateway.example", undefined],
  ["http://127.0.0.1:8089", undefined],
  ["https://192.168.1.5", undefined],
  ["https://[2001:db8::1]", undefined],
])("the relying party of %s is %s", (origin, rpId) => {
  expect(relyingPartyOf(origin)).toBe(rpId);
});
