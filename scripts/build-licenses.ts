import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * Writes what the licences of bundled packages ask for: their names, versions and texts.
 *
 * @param modules absolute paths of bundled files; those outside of node_modules do not count
 */
export function writeLicenses(root: string, file: string, modules: Iterable<string>): void {
  const folders = new Set([...modules].flatMap((path) => packageFolder(root, path) ?? []));
  const parts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    );
    const texts = globSync("{LICEN[CS]E,licen[cs]e,NOTICE}*", { cwd: folder })
      .sort()
      .map((text) => readFileSync(join(folder, text), "utf8").trim());
    return [`${name} ${version} (${license ?? "see below"})`, "", ...texts].join("\n");
  });
  const head = "The built program contains these packages.";
  writeFileSync(file, `${[head, ...parts].join(`\n\n${"-".repeat(72)}\n\n`)}\n`);
}

/** The nearest folder above a file of node_modules whose package.json has a name and a version. */
function packageFolder(root: string, path: string): string | undefined {
  if (!relative(root, path).startsWith("node_modules/")) return undefined;
  for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (!existsSync(manifest)) continue;
    const { name, version } = JSON.parse(readFileSync(manifest, "utf8"));
    if (name !== undefined && version !== undefined) return folder;
  }
  return undefined;
}
