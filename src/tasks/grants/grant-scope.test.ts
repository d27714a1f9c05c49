import { domainToUnicode } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalisePath, pathProblem } from "../../lib/posix-path.ts";
import { parseWebUrl } from "../../policy/web-url.ts";
import type { GrantScope } from "./grant.ts";
import { isInScope, readDomain, readPrefix } from "./grant-scope.ts";

const component = fc.oneof(
  fc.constantFrom("a", "A", "ab", "a.", " a", "é", "e\u0301", "..a", "a\u202e", "..", ".", ""),
  fc.string({ unit: "binary", minLength: 1, maxLength: 6 }).map((text) => text.replaceAll("/", "")),
);
const path = fc.array(component, { maxLength: 5 }).map((parts) => `/${parts.join("/")}`);
const plain = path
  .map((text) => normalisePath(text))
  .filter((text) => pathProblem(text) === undefined);

const scopeOf = (read: GrantScope | { readonly problem: string }): GrantScope | undefined =>
  "problem" in read ? undefined : read;

describe("isInScope", () => {
  it("I2 covers a path exactly where the prefix's components are the first of its own", () => {
    fc.assert(
      fc.property(plain, path, (file, text) => {
        const scope = scopeOf(readPrefix(text));
        if (scope?.path_prefix === undefined) return;
        const own = file.split("/");
        const wanted = scope.path_prefix.split("/").every((part, index) => part === own[index]);
        expect(isInScope(scope, { path: file })).toBe(wanted);
      }),
      { numRuns: 2000 },
    );
  });

  it("I2 covers what lies below, never a sibling, a parent or another case", () => {
    fc.assert(
      fc.property(plain, component, (folder, name) => {
        const scope = scopeOf(readPrefix(folder));
        if (scope === undefined) return;
        const below = normalisePath(`${folder}/${name}`);
        const covers = (file: string) => isInScope(scope, { path: file });
        expect(covers(folder)).toBe(true);
        if (pathProblem(below) === undefined && below.startsWith(`${folder}/`)) {
          expect(covers(below)).toBe(true);
        }
        expect(covers(`${folder}x`)).toBe(false);
        expect(covers(`${folder}/../x`)).toBe(false);
        expect(covers(`${folder}/`)).toBe(false);
        expect(covers(normalisePath(`${folder}/..`))).toBe(false);
        const other = folder.toUpperCase();
        if (other !== folder) expect(covers(other)).toBe(false);
      }),
    );
  });

  it("reads a prefix once: what it keeps it reads again as itself, and never as the root", () => {
    fc.assert(
      fc.property(fc.oneof(path, fc.string({ unit: "binary" })), (text) => {
        const scope = scopeOf(readPrefix(text));
        if (scope === undefined) return;
        expect(scope.path_prefix).not.toBe("/");
        expect(readPrefix(scope.path_prefix ?? "")).toEqual(scope);
      }),
    );
    for (const text of ["/", "//", "/..", "/a/..", "/.", "", "tmp", "~", "/a\0b", "/a\nb"]) {
      expect(scopeOf(readPrefix(text)), text).toBeUndefined();
    }
  });

  it("covers a page exactly where its host is the domain, however both are spelled", () => {
    const url = fc.webUrl({ withFragments: true, withQueryParameters: true });
    fc.assert(
      fc.property(url, fc.domain(), fc.boolean(), fc.boolean(), (text, name, own, dot) => {
        const page = parseWebUrl(text);
        if ("problem" in page) return;
        const asked = own ? page.host.toUpperCase() : name;
        const scope = scopeOf(readDomain(dot ? `${asked}.` : asked));
        if (scope === undefined) return;
        const wanted = !page.namesPort && !page.isAddress && page.host === scope.domain;
        expect(isInScope(scope, { url: text })).toBe(wanted);
        expect(isInScope(scope, { url: text.replace("://", "://x.") })).toBe(false);
        expect(isInScope(scope, { path: "/tmp" })).toBe(false);
      }),
    );
  });

  it.each([
    ["example.com", "https://example.com/a", true],
    ["EXAMPLE.com.", "http://Example.COM./", true],
    ["bücher.example", "https://xn--bcher-kva.example/", true],
    ["xn--bcher-kva.example", "https://BÜCHER.example/", true],
    ["example.com", "https://example.com:443/", true],
    ["example.com", "https://example.com:8443/", false],
    ["example.com", "http://example.com:443/", false],
    ["example.com", "https://evilexample.com/", false],
    ["example.com", "https://www.example.com/", false],
    ["example.com", "https://example.com.evil.example/", false],
    ["example.com", "https://example.com@evil.example/", false],
    ["example.com", "https://evil.example/?example.com", false],
    ["example.com", "https://example.com\\@evil.example/", false],
    ["paypal.com", "https://p\u0430ypal.com/", false],
    ["example.com", "javascript:alert(1)//example.com", false],
    ["example.com", "https://example.com../", false],
  ])("of %s covers %s: %s", (domain, url, expected) => {
    const scope = scopeOf(readDomain(domain));
    expect(scope && isInScope(scope, { url })).toBe(expected);
  });

  it.each([
    "*.example.com",
    "127.0.0.1",
    "2130706433",
    "[::1]",
    "::1",
    "example.com:80",
    "https://example.com",
    "a b",
    "a@b",
    "",
    ".",
    "exa\u202emple.com",
  ])("takes %j for no domain", (text) => {
    expect(scopeOf(readDomain(text))).toBeUndefined();
  });

  it("keeps domains in their ASCII form", () => {
    const scope = scopeOf(readDomain("BÜCHER.example"));
    expect(scope).toEqual({ domain: "xn--bcher-kva.example" });
    expect(domainToUnicode(scope?.domain ?? "")).toBe("bücher.example");
  });
});
