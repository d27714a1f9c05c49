import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = dirname(import.meta.dirname);
const COMPRESSIBLE = /\.(?:js|css|svg|html)$/;

/** Builds the page of console/ into `directory`, each file also compressed as `.br` and `.gz`. */
export async function buildConsole(directory: string): Promise<void> {
  const { build } = await import("vite");
  await build({
    configFile: join(root, "console/vite.config.ts"),
    logLevel: "warn",
    build: { outDir: directory },
  });
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    if (COMPRESSIBLE.test(name)) compress(join(directory, name));
  }
}

function compress(file: string): void {
  const bytes = readFileSync(file);
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
}
