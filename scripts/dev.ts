import { spawn } from "node:child_process";
import { dirname, join } from "node:path";

/**
 * The service and the console's page for whoever works on them: both follow what is saved. The page
 * is at http://localhost:5173/console then.
 *
 *     npm run dev
 */
const root = dirname(import.meta.dirname);
/** Where the page is then: passkeys and cookies count for the service's own address only. */
const PAGE = "http://localhost:5173";
const COMMANDS = [
  ["--watch", "--enable-source-maps", "src/main.ts"],
  [join(root, "node_modules/vite/bin/vite.js"), "console"],
];

const env = { PUBLIC_URL: PAGE, ...process.env };
const children = COMMANDS.map((options) =>
  spawn(process.execPath, options, { cwd: root, stdio: "inherit", env }),
);
const end = () => {
  for (const child of children) child.kill("SIGTERM");
};
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, end);
// One alone is of no use.
for (const child of children) child.on("exit", end);
