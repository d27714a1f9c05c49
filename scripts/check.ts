import { spawn } from "node:child_process";
import { dirname, join } from "node:path";

/**
 * Everything that is checked without running the program. All checks run, two at a time; those that
 * fail show what they said.
 *
 *     npm run check                    all
 *     npm run check -- types imports   some
 */
const root = dirname(import.meta.dirname);
const bin = (name: string) => join(root, "node_modules/.bin", name);
const script = (name: string) => [process.execPath, join(import.meta.dirname, name)];

/** What the last run learnt: a second one looks at what changed. */
const TYPES_SEEN = join(root, "node_modules/.cache/types.tsbuildinfo");
const CONSOLE_TYPES_SEEN = join(root, "node_modules/.cache/console-types.tsbuildinfo");

const CHECKS: Readonly<Record<string, readonly string[]>> = {
  "format and lint": [
    bin("biome"),
    "check",
    "--error-on-warnings",
    "--diagnostic-level=warn",
    "--max-diagnostics=50",
    ".",
  ],
  types: [bin("tsc"), "-p", ".", "--incremental", "--tsBuildInfoFile", TYPES_SEEN],
  "types of the console": [
    bin("tsc"),
    "-p",
    "console",
    "--incremental",
    "--tsBuildInfoFile",
    CONSOLE_TYPES_SEEN,
  ],
  imports: script("check-imports.ts"),
  "unused code": [bin("knip"), "--no-progress"],
  "generated files": [...script("generate.ts"), "--check"],
};
const AT_ONCE = 2;

const asked = process.argv.slice(2);
const chosen = Object.entries(CHECKS).filter(
  ([name]) => asked.length === 0 || asked.some((word) => name.includes(word)),
);
const queue = [...chosen];
let failures = chosen.length === 0 ? 1 : 0;
await Promise.all(Array.from({ length: AT_ONCE }, work));
console.log(failures === 0 ? "all checks passed" : `${failures} of ${chosen.length} checks failed`);
process.exitCode = failures === 0 ? 0 : 1;

async function work(): Promise<void> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [name, command] = next;
    const started = performance.now();
    const { ok, output } = await run(command);
    if (!ok) failures += 1;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${ok ? "✓" : "✗"} ${name} (${seconds} s)${ok ? "" : `\n\n${output}`}`);
  }
}

function run([program = "", ...options]: readonly string[]) {
  return new Promise<{ ok: boolean; output: string }>((resolve) => {
    let output = "";
    const child = spawn(program, options, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const keep = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => resolve({ ok: false, output: String(error) }));
    child.on("close", (code) => resolve({ ok: code === 0, output }));
  });
}
