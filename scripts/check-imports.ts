import { globSync } from "node:fs";
import { dirname, join } from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import extractTSConfig from "dependency-cruiser/config-utl/extract-ts-config";
import { importOptions, importRules } from "./import-rules.ts";

/**
 * Holds every module to the rules of import-rules.ts, and fails where it read none.
 *
 *     node scripts/check-imports.ts [ROOT]
 */
const FOLDERS = ["src", "test", "scripts", "bench", "console"];

const FOLDER_RULE = "no-cycle-between-folders";

const project = dirname(import.meta.dirname);
process.chdir(process.argv[2] ?? project);
const folders = FOLDERS.filter((folder) => globSync(`${folder}/**/*.{ts,tsx}`).length > 0);
const sources = folders.flatMap((folder) => globSync(`${folder}/**/*.{ts,tsx}`));
const { output } = await cruise(
  folders,
  { ...importOptions, ruleSet: { forbidden: importRules }, validate: true },
  undefined,
  { tsConfig: extractTSConfig(join(project, "tsconfig.json")) },
);
const { modules, summary } = output as ICruiseResult;

const read = new Set(modules.map((module) => module.source));
const unread = sources.filter((file) => !read.has(file));
// Unit tests stand beside what they test and share test/support: a circle of folders that leads
// through it is none of the program's.
const violations = summary.violations.filter(
  ({ rule, cycle = [] }) =>
    rule.name !== FOLDER_RULE || cycle.every(({ name }) => !name.startsWith("test/")),
);
const reasons = new Map(importRules.map((rule) => [rule.name, rule.comment]));
for (const { from, to, rule, cycle } of violations) {
  const path = cycle ? [from, ...cycle.map((step) => step.name)].join(" → ") : `${from} → ${to}`;
  console.error(`${rule.name}: ${path}\n  ${reasons.get(rule.name)}`);
}
if (unread.length > 0) console.error(`not read: ${unread.join(", ")}`);
const edges = modules.reduce((sum, module) => sum + module.dependencies.length, 0);
const blind = sources.length === 0 || edges === 0;
console.log(`${read.size} modules, ${edges} imports, ${violations.length} violations`);
process.exitCode = violations.length + unread.length > 0 || blind ? 1 : 0;
