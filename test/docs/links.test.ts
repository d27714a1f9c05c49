import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, matchesGlob, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { projectRoot, readDocumentation } from "../support/markdown.ts";

const pages = readDocumentation();

describe("links", () => {
  test("the pages a reader expects are there", () => {
    expect(pages.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "README.md",
        "SECURITY.md",
        "docs/adding-a-capability.md",
        "docs/api.md",
        "docs/cli.md",
        "docs/client.md",
        "docs/operations.md",
        "docs/policy.md",
        "docs/security.md",
        "docs/seed.md",
      ]),
    );
  });

  test.each(pages.map((page) => [page.path, page] as const))(
    "%s leads nowhere in vain",
    (_, page) => {
      const broken = page.links
        .filter(({ target }) => !/^[a-z]+:/i.test(target))
        .filter(({ target }) => !leadsSomewhere(page.path, target))
        .map(({ target, line }) => `line ${line}: ${target}`);
      expect(broken).toEqual([]);
    },
  );

  test("the package has what a reader is told to use", () => {
    const { files } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
      files: string[];
    };
    const told = pages
      .filter(({ path }) => path.startsWith("docs/"))
      .flatMap(({ path, links }) =>
        links.map(({ target }) => normalize(join(dirname(path), target))),
      )
      .filter((path) => /^(?:config|integrations)\//.test(path));
    expect(told.length).toBeGreaterThan(2);
    const isPacked = (path: string) =>
      files.some((packed) => matchesGlob(path, packed) || path.startsWith(`${packed}/`));
    expect(told.filter((path) => !isPacked(path))).toEqual([]);
  });

  test("every page in docs/ is linked from the README", () => {
    const readme = pages.find(({ path }) => path === "README.md");
    const linked = new Set(readme?.links.map(({ target }) => target.replace(/#.*$/, "")));
    const pagesInDocs = pages.map(({ path }) => path).filter((path) => path.startsWith("docs/"));
    expect(pagesInDocs.filter((path) => !linked.has(path))).toEqual([]);
  });
});

function leadsSomewhere(from: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? from : normalize(join(dirname(from), file));
  if (path.startsWith("..") || !existsSync(join(projectRoot, path))) return false;
  if (anchor === undefined) return true;
  if (statSync(join(projectRoot, path)).isDirectory()) return false;
  return pages.find((page) => page.path === path)?.anchors.has(anchor) ?? false;
}
