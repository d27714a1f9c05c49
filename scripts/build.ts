import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import http from "node:http";
import { basename, dirname, join } from "node:path";
import type { Plugin } from "rolldown";
import { buildConsole } from "./build-console.ts";
import { writeLicenses } from "./build-licenses.ts";
import { sourceHash } from "./source-hash.ts";

/**
 * Builds the program into dist/: `main.js`, `cli.js` and `client.js`, with what they share in
 * `dist/chunks`, the console's page in `dist/console`, the page of the API in `dist/docs-page`, the
 * licences of bundled packages, and the client's declaration files in `dist/types`.
 *
 *     node scripts/build.ts              everything
 *     node scripts/build.ts --if-stale   the program alone, and only if its sources changed
 */
const root = dirname(import.meta.dirname);
const dist = join(root, "dist");
const STAMP = ".sources";
/** Swagger UI, by the names under which src/http/routes/docs.ts serves it. */
const DOCS_PAGE = {
  "viewer.css": "swagger-ui.css",
  "viewer.js": "swagger-ui-bundle.js",
  "icon.png": "favicon-32x32.png",
};

const HTTP = "\0node:http";
const LAZY = ["WebSocket", "CloseEvent", "MessageEvent"];

/**
 * `import` reads every export of node:http, so also three that make Node load its own fetch,
 * which nothing here uses. `require` reads none of them.
 */
const requireHttp: Plugin = {
  name: "require-http",
  resolveId: (id, _importer, { kind }) =>
    kind !== "require-call" && /^(?:node:)?http$/.test(id) ? HTTP : undefined,
  load(id) {
    if (id !== HTTP) return undefined;
    const names = Object.keys(http).filter((name) => !LAZY.includes(name));
    return [
      'import { createRequire } from "node:module";',
      'const http = createRequire(import.meta.url)("node:http");',
      "export default http;",
      `export const { ${names.filter((name) => name !== "default").join(", ")} } = http;`,
    ].join("\n");
  },
};

if (import.meta.main) {
  if (process.argv.includes("--if-stale")) await buildIfStale();
  else await build({ types: true });
}

/** Builds the program unless `dist/` was built from just these sources; says whether it did. */
export async function buildIfStale(): Promise<boolean> {
  const stamp = join(dist, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === sourceHash(root)) return false;
  await build({ types: false });
  return true;
}

/** Builds beside `dist/` and then takes its place, so that nobody sees half a build. */
async function build(options: { types: boolean }): Promise<void> {
  const hash = sourceHash(root);
  const fresh = mkdtempSync(`${dist}.new-`);
  try {
    const modules = await bundle(fresh);
    writeLicenses(root, join(fresh, "LICENSES.txt"), modules);
    buildConsole(join(fresh, "console"));
    copyDocsPage(join(fresh, "docs-page"));
    if (options.types) emitTypes(join(fresh, "types"));
    writeFileSync(join(fresh, STAMP), hash);
    chmodSync(fresh, 0o755);
    replace(fresh, dist);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/**
 * Packages are bundled too: it halves the time to the first answer, and whoever installs the program
 * installs nothing else.
 *
 * @returns the files that went into it
 */
async function bundle(directory: string): Promise<string[]> {
  const { build: rolldown } = await import("rolldown");
  const { output } = await rolldown({
    cwd: root,
    input: { main: "src/main.ts", cli: "src/cli/cli.ts", client: "src/client/client.ts" },
    platform: "node",
    logLevel: "warn",
    plugins: [requireHttp],
    output: {
      dir: directory,
      format: "esm",
      sourcemap: true,
      sourcemapExcludeSources: true,
      // Names stay, so that a stack trace through a library can be read without a map.
      minify: { compress: false, mangle: false, codegen: true },
      entryFileNames: "[name].js",
      chunkFileNames: "chunks/[name]-[hash].js",
      codeSplitting: {
        groups: [{ name: "vendor", test: /[\\/]node_modules[\\/]/, entriesAware: true }],
      },
    },
  });
  for (const chunk of output) {
    if (chunk.type !== "chunk" || !chunk.name.startsWith("vendor")) continue;
    dropMap(directory, chunk.fileName);
    escapeWide(join(directory, chunk.fileName));
  }
  chmodSync(join(directory, "cli.js"), 0o755);
  return output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
}

function copyDocsPage(directory: string): void {
  mkdirSync(directory);
  const from = join(root, "node_modules/@fastify/swagger-ui");
  for (const [name, original] of Object.entries(DOCS_PAGE)) {
    copyFileSync(join(from, "static", original), join(directory, name));
  }
  copyFileSync(join(from, "LICENSE"), join(directory, "LICENSE"));
}

/** Only maps of ours are of use: names in a library stay as they are. */
function dropMap(directory: string, fileName: string): void {
  const file = join(directory, fileName);
  const code = readFileSync(file, "utf8");
  writeFileSync(file, code.replace(`//# sourceMappingURL=${basename(fileName)}.map`, ""));
  rmSync(`${file}.map`, { force: true });
}

/**
 * V8 keeps a source with one character beyond Latin-1 in two bytes a character: 3 MB more for the
 * libraries. It would move columns, so it is for files without a map.
 */
function escapeWide(file: string): void {
  const code = readFileSync(file, "utf8");
  if (/\\[^\0-\xff]|String\.raw/.test(code)) return;
  const escaped = code.replaceAll(
    /[^\0-\xff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  writeFileSync(file, escaped);
}

function emitTypes(directory: string): void {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const options = ["-p", join(root, "tsconfig.types.json"), "--outDir", directory];
  execFileSync(process.execPath, [tsc, ...options], { stdio: "inherit" });
}

function replace(fresh: string, place: string): void {
  const old = mkdtempSync(`${place}.old-`);
  if (existsSync(place)) renameSync(place, join(old, "dist"));
  renameSync(fresh, place);
  rmSync(old, { recursive: true, force: true });
}
