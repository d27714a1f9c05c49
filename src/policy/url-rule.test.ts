import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText } from "../../test/support/lib/fixtures.ts";
import { OWN_HOSTS } from "../../test/support/policy/fixtures.ts";
import { domainRuleProblem, isBroadDomainRule, matchUrl } from "./url-rule.ts";
import { parseWebUrl } from "./web-url.ts";

const allows = (url: string, ...rules: string[]) => "rule" in matchUrl(url, rules, OWN_HOSTS);
const refused = (url: string, ...rules: string[]) => {
  const match = matchUrl(url, rules, OWN_HOSTS);
  return "problem" in match ? match.problem : "allowed";
};

describe("hosts", () => {
  test.each([
    ["https://www.example.com/", "*.example.com", true],
    ["https://a.b.example.com/", "*.example.com", true],
    ["https://EXAMPLE.com", "example.com", true],
    ["https://example.com./", "example.com", true],
    ["https://example.com", "EXAMPLE.COM.", true],
    ["https://%65xample.com/", "example.com", true],
    ["https://example.com/", "*.example.com", false],
    ["https://evilexample.com/", "*.example.com", false],
    ["https://evilexample.com/", "example.com", false],
    ["https://example.com.evil.org/", "*.example.com", false],
    ["https://www.example.com/", "example.com", false],
    ["https://example.com../", "example.com", false],
    ["https://.example.com/", "*.example.com", false],
    ["https://evil.org#.example.com", "*.example.com", false],
    ["https://evil.org?.example.com", "*.example.com", false],
  ])("I1 %s by %s: %s", (url, rule, allowed) => {
    expect(allows(url, rule)).toBe(allowed);
  });

  test("I1 names in other scripts must be listed, in either spelling", () => {
    expect(allows("https://bücher.example.com/", "*.example.com")).toBe(false);
    expect(allows("https://xn--bcher-kva.example.com/", "*.example.com")).toBe(false);
    expect(allows("https://bücher.example.com/", "bücher.example.com")).toBe(true);
    expect(allows("https://bücher.example.com/", "xn--bcher-kva.example.com")).toBe(true);
    expect(allows("https://www.xn--bcher-kva.example/", "*.bücher.example")).toBe(true);
    expect(allows("https://ＷＷＷ.example.com/", "*.example.com")).toBe(true);
  });
});

describe("ports", () => {
  test.each([
    ["http://example.com:80/", "example.com", true],
    ["https://example.com:443/", "example.com", true],
    ["http://example.com:8080/", "example.com", false],
    ["http://example.com:8080/", "example.com:8080", true],
    ["http://example.com/", "example.com:8080", false],
    ["http://example.com:8080/", "example.com:*", true],
    ["http://a.example.com:22/", "*.example.com:22", true],
    ["http://localhost:5173/", "localhost", true],
    ["http://localhost.:5173/", "localhost", true],
    ["http://localhost:5173/", "localhost:3000", false],
    ["http://a.localhost:5173/", "localhost", false],
  ])("I1 %s by %s: %s", (url, rule, allowed) => {
    expect(allows(url, rule)).toBe(allowed);
  });
});

describe("addresses", () => {
  const spellings = [
    "http://127.0.0.1/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0177.0.0.01/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://１２７.0.0.1/",
  ];
  test.each(spellings)("I1 %s is 127.0.0.1, refused unless listed", (url) => {
    expect(allows(url, "localhost", "*.0.0.1", "example.com:*")).toBe(false);
    expect(allows(url, "127.0.0.1")).toBe(true);
  });

  test.each([
    ["http://[::1]/", "[::1]", true],
    ["http://[::ffff:127.0.0.1]/", "[::ffff:7f00:1]", true],
    ["http://[::ffff:127.0.0.1]/", "127.0.0.1", false],
    ["http://[0:0:0:0:0:0:0:1]:8080/", "[::1]:8080", true],
    ["http://[fe80::1]/", "localhost", false],
  ])("I1 %s by %s: %s", (url, rule, allowed) => {
    expect(allows(url, rule)).toBe(allowed);
  });
});

describe("the gateway and ByteBot", () => {
  test.each([
    "http://localhost:8089/",
    "http://127.0.0.1:8089/approvals/x",
    "http://[::1]:8089/",
    "http://[::ffff:127.0.0.1]:8089/",
    "http://[::ffff:0.0.0.0]:8089/",
    "http://[::127.0.0.1]:8089/",
    "http://0.0.0.0:8089/",
    "http://0:8089/",
    "http://127.9.9.9:8089/",
    "http://x.localhost:8089/",
    "http://localhost:9990/",
    "http://bytebot-desktop:9990/",
  ])("I11 %s is refused whatever is listed", (url) => {
    const host = new URL(url).host;
    expect(refused(url, "localhost", host, "*.localhost:*")).toMatch(/never opened/);
  });

  test("I11 a gateway bound to every address is refused by every address", () => {
    const everywhere = [{ host: "0.0.0.0", port: 8089 }];
    expect(matchUrl("http://10.1.2.3:8089/", ["10.1.2.3:*"], everywhere)).toHaveProperty("problem");
    expect(matchUrl("http://10.1.2.3:8090/", ["10.1.2.3:*"], everywhere)).toHaveProperty("rule");
  });

  test("I11 where their places are unknown, this machine is refused altogether", () => {
    expect(matchUrl("http://localhost:5173/", ["localhost"], undefined)).toHaveProperty("problem");
    expect(matchUrl("http://a.example.com/", ["*.example.com"], undefined)).toHaveProperty("rule");
  });
});

describe("text that is refused as it stands", () => {
  test.each([
    ["https://user@example.com/", /user name/],
    ["https://user:pass@example.com/", /user name/],
    ["https://@example.com/", /user name/],
    ["https://example.com\\@evil.org/", /backslash/],
    ["https:\\\\example.com/", /backslash/],
    [" https://example.com/", /space/],
    ["https://example.com/a b", /space/],
    ["https://exam\tple.com/", /control/],
    ["https://example.com/\u0000", /control/],
    ["https://example.com/\u3000", /space/],
    ["file:///etc/passwd", /http/],
    ["javascript:alert(1)", /http/],
    ["data:text/html,x", /http/],
    ["ftp://example.com/", /http/],
    ["//example.com/", /http/],
    ["https:example.com", /http/],
    ["https:///example.com", /http/],
    ["example.com", /http/],
    ["", /http/],
    ["https://exa%00mple.com/", /valid/],
    ["https://ex*mple.com/", /host name/],
    [`https://example.com/${"a".repeat(5000)}`, /4096/],
  ])("I1 %j", (url, problem) => {
    expect(refused(url, "example.com", "*.example.com", "localhost")).toMatch(problem);
  });
});

test("what is passed on is the parsed URL, its trailing dot gone", () => {
  expect(parseWebUrl("HTTPS://EXAMPLE.com.:443/a/../b?q#f")).toEqual({
    href: "https://example.com/b?q#f",
    host: "example.com",
    port: 443,
    namesPort: false,
    isAddress: false,
    path: "/b?q#f",
  });
});

const corpus = new URL("../../../shared/corpora/wpt-urltestdata.json", import.meta.url);
test.skipIf(!existsSync(corpus))(
  "I1 URL test data: what *.example.com allows is a subdomain (needs the corpora)",
  () => {
    const cases: (string | { input: string })[] = JSON.parse(readFileSync(corpus, "utf8"));
    const inputs = cases.flatMap((entry) => (typeof entry === "string" ? [] : [entry.input]));
    expect(inputs.length).toBeGreaterThan(500);
    for (const input of inputs) {
      // As it is, and with its host moved under the allowed domain where it has one.
      for (const text of [input, input.replace(/^(https?:\/\/[^/?#]*)/i, "$1.example.com")]) {
        if (allows(text, "*.example.com")) {
          expect(new URL(text).hostname.replace(/\.$/, "")).toMatch(/^.+\.example\.com$/);
        }
      }
    }
  },
);

describe("properties", () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,10}$/);
  test("I1 a suffix without its dot never matches", () => {
    fc.assert(
      fc.property(label, (prefix) => {
        expect(allows(`https://${prefix}example.com/`, "*.example.com", "example.com")).toBe(false);
        expect(allows(`https://${prefix}.example.com/`, "*.example.com")).toBe(
          !prefix.startsWith("xn--"),
        );
      }),
    );
  });

  test("I1 any text: no exception, and what is allowed parses to a subdomain", () => {
    const pieces = fc.constantFrom(
      ..."http:// https:// example.com . @ : / \\ # ? %2e %00 evil.org 443 [ ] ::1 。 \t \u00ad".split(
        " ",
      ),
    );
    const text = fc.oneof(
      anyText,
      fc.array(fc.oneof(pieces, label), { maxLength: 8 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (url) => {
        if (!allows(url, "*.example.com")) return;
        expect(new URL(url).hostname.replace(/\.$/, "").endsWith(".example.com")).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

test("entries that are no domains are named", () => {
  for (const rule of [
    "a.com",
    "*.a.com",
    "a.com:8080",
    "a.com:*",
    "[::1]:80",
    "127.0.0.1",
    "bücher.de",
    "*.com",
  ]) {
    expect([rule, domainRuleProblem(rule)]).toEqual([rule, undefined]);
  }
  for (const rule of [
    "",
    "*",
    "*.",
    "a.*.com",
    "https://a.com",
    "a.com/",
    "a b",
    "a@b",
    "*.127.0.0.1",
    "a.com:0",
    "a.com:99999",
    "a.com:",
    "a..b",
    "%61.com",
  ]) {
    expect([rule, domainRuleProblem(rule)]).not.toEqual([rule, undefined]);
  }
  expect(["*.com", "a.com:*", "a.com", "*.a.com"].map(isBroadDomainRule)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
