import fc from "fast-check";
import { expect, test } from "vitest";
import { readRequestTarget, readTunnelTarget } from "./egress-target.ts";

test("reads names and addresses in every spelling as a URL would carry them", () => {
  const hosts = [
    "EXAMPLE.com.",
    "0x7f.1",
    "2130706433",
    "0177.0.0.1",
    "[::FFFF:127.0.0.1]",
    "[0::1]",
  ];
  expect(hosts.map((host) => readTunnelTarget(`${host}:443`)?.host)).toEqual([
    "example.com",
    ...["127.0.0.1", "127.0.0.1", "127.0.0.1", "[::ffff:7f00:1]", "[::1]"],
  ]);
  expect(readTunnelTarget("a.test:80")).toEqual({ scheme: "http", host: "a.test", port: 80 });
  expect(readTunnelTarget("a.test:8443")?.scheme).toBe("https");
});

test("a request keeps its path as it was sent", () => {
  expect(readRequestTarget("http://a.test/x/%2e./y?q=1#f")).toEqual({
    target: { scheme: "http", host: "a.test", port: 80 },
    path: "/x/%2e./y?q=1",
  });
  expect(readRequestTarget("http://a.test:8080?q")?.path).toBe("/?q");
  expect(readRequestTarget("HTTP://A.test")?.path).toBe("/");
});

test.each([
  "",
  "a.test",
  "a.test:",
  "a.test:0",
  "a.test:65536",
  ":443",
  "u@a.test:443",
  "a.test:443/x",
  "a b:443",
  "[::1:443",
  "[::1%25eth0]:443",
  "a%2etest:443",
  "a..test:443",
  `${"a.".repeat(127)}test:443`,
  "http://a.test:443",
])("refuses a tunnel to %j", (authority) => {
  expect(readTunnelTarget(authority)).toBeUndefined();
});

test.each([
  "/",
  "https://a.test/",
  "ftp://a.test/",
  "http:///x",
  "http://u:p@a.test/",
  "http://a.test\\@b.test/",
  "http://a.test:x/",
  "http://a.test/\u00e9",
  "*",
])("refuses a request to %j", (url) => {
  expect(readRequestTarget(url)).toBeUndefined();
});

test("whatever text comes, a target is one that a URL leads to", () => {
  fc.assert(
    fc.property(fc.oneof(fc.webUrl(), fc.string(), fc.webAuthority()), (text) => {
      for (const target of [readTunnelTarget(text), readRequestTarget(text)?.target]) {
        if (target === undefined) continue;
        const url = new URL(`${target.scheme}://${target.host}:${target.port}/`);
        expect(url.hostname).toBe(target.host);
      }
    }),
  );
});
