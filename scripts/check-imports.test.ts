import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importRules } from "./import-rules.ts";

const project = dirname(import.meta.dirname);
const trees: string[] = [];

afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});

/** Runs the check over a tree of its own: file name → source. */
function checkTree(files: Record<string, string>) {
  const tree = mkdtempSync(join(tmpdir(), "imports-"));
  trees.push(tree);
  symlinkSync(join(project, "node_modules"), join(tree, "node_modules"));
  for (const name of ["tsconfig.json", "package.json"]) {
    symlinkSync(join(project, name), join(tree, name));
  }
  for (const [name, source] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), source);
  }
  const script = join(import.meta.dirname, "check-imports.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, tree], {
    encoding: "utf8",
  });
  return { status, output: stdout + stderr };
}

const type = (path: string) => `import type { T } from "${path}";\nexport type U = T;\n`;
const code = (path: string) => `import { t } from "${path}";\nexport const u = t;\n`;
const target = "export type T = string;\nexport const t = 1;\n";

/** Where each rule is broken: rule → the files, whose names say which, and what they import. */
const BREACHES: Record<string, Record<string, string>> = {
  "lib-imports-only-itself": { "src/lib/a.ts": type("../contract/x.ts") },
  "contract-imports-only-lib": { "src/contract/a.ts": type("../policy/x.ts") },
  "config-imports-only-lib-contract": { "src/config/a.ts": code("../auth/x.ts") },
  "auth-imports-only-lib-contract": { "src/auth/a.ts": type("../policy/x.ts") },
  "policy-imports-only-lib-contract": { "src/policy/a.ts": type("../capabilities/x.ts") },
  "events-imports-only-lib-contract": { "src/events/a.ts": type("../tasks/x.ts") },
  "audit-imports-only-lib-contract": { "src/audit/a.ts": type("../events/x.ts") },
  "artifacts-imports-only-lib-contract": { "src/artifacts/a.ts": type("../tasks/x.ts") },
  "capabilities-imports-only-lib-contract-policy": {
    "src/capabilities/a.ts": type("../tasks/x.ts"),
  },
  "tasks-imports-only-lib-contract-policy-capabilities-events-audit": {
    "src/tasks/a.ts": type("../auth/x.ts"),
  },
  "tools-imports-only-lib-contract-policy-capabilities-tasks": {
    "src/tools/a.ts": type("../auth/x.ts"),
  },
  "guard-imports-only-lib-contract-policy-capabilities-tasks": {
    "src/guard/a.ts": type("../auth/x.ts"),
  },
  "notify-imports-only-lib-contract": { "src/notify/a.ts": type("../tasks/x.ts") },
  "takeover-imports-only-lib-contract-policy-capabilities-tasks": {
    "src/takeover/a.ts": type("../auth/x.ts"),
  },
  "admin-imports-only-lib-contract-policy-capabilities-tasks-audit": {
    "src/admin/a.ts": type("../auth/x.ts"),
  },
  "people-imports-only-lib-contract-policy": { "src/people/a.ts": type("../tasks/x.ts") },
  "vnc-imports-only-lib-contract-tasks-takeover": { "src/vnc/a.ts": type("../http/x.ts") },
  "client-imports-only-lib-contract": { "src/client/a.ts": type("../tasks/x.ts") },
  "drivers-imports-only-ports": { "src/drivers/one/a.ts": type("../../config/x.ts") },
  "drivers-imports-ports-as-types": { "src/drivers/one/code.ts": code("../../tasks/x.ts") },
  "store-imports-only-ports": { "src/store/one/a.ts": type("../../http/x.ts") },
  "store-imports-ports-as-types": { "src/store/one/code.ts": code("../../audit/x.ts") },
  "http-knows-no-backend": { "src/http/a.ts": type("../store/x.ts") },
  "compose-alone-imports-implementations": { "src/main.ts": code("./drivers/x.ts") },
  "cli-knows-no-driver": { "src/cli/a.ts": code("../drivers/x.ts") },
  "nobody-imports-the-program": { "src/http/program.ts": code("../main.ts") },
  "console-knows-the-contract-only": { "console/a.ts": code("../src/lib/x.ts") },
  "program-without-tests": { "src/http/tests.ts": code("../../test/x.ts") },
  "program-of-shipped-packages": { "src/http/dev.ts": 'export { fc } from "fast-check";\n' },
  "everything-resolves": { "src/http/nowhere-found.ts": code("./nowhere.ts") },
  "no-cycle-between-files": {
    "src/http/one.ts": type("./two.ts"),
    "src/http/two.ts": type("./one.ts"),
  },
  "no-cycle-between-folders": {
    "src/http/config.ts": type("../config/x.ts"),
    "src/config/b.ts": type("../http/x.ts"),
  },
};

const ROOMS = [
  "lib",
  "contract",
  "config",
  "auth",
  "policy",
  "events",
  "audit",
  "capabilities",
  "tasks",
  "drivers",
  "store",
  "http",
];
const targets = Object.fromEntries(
  [...ROOMS.map((room) => `src/${room}/x.ts`), "test/x.ts"].map((name) => [name, target]),
);

describe("each rule is seen to fail", () => {
  let found: ReturnType<typeof checkTree>;
  beforeAll(() => {
    found = checkTree(Object.assign({}, targets, ...Object.values(BREACHES)));
  });

  test("the check fails", () => {
    expect(found.status).toBe(1);
  });

  test.each(importRules.map(({ name = "" }) => name))("%s", (name) => {
    const [file] = Object.keys(BREACHES[name] ?? {});
    expect(file, `no breach of ${name} in this test`).toBeDefined();
    const from = name === "no-cycle-between-folders" ? dirname(file ?? "") : file;
    expect(found.output).toContain(`${name}: ${from} → `);
  });
});

test("a tree that keeps to the rules passes", () => {
  const { status, output } = checkTree({
    ...targets,
    "src/lib/y.ts": type("./x.ts"),
    "src/contract/y.ts": code("../lib/x.ts"),
    "src/capabilities/y.ts": code("../policy/x.ts"),
    "src/drivers/one/y.ts": type("../../tasks/x.ts"),
    "src/store/one/y.ts": type("../../audit/x.ts"),
    "src/compose/context.ts": `${code("../drivers/x.ts")}export { t as s } from "../store/x.ts";\n`,
    "src/http/y.test.ts": code("../store/x.ts"),
  });
  expect(output).toContain(" 0 violations");
  expect(status).toBe(0);
});

test("a tree in which nothing is read fails", () => {
  expect(checkTree({ "src/readme.md": "" }).status).toBe(1);
});
