import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import packageFile from "../package.json" with { type: "json" };
import { DEFAULT_POLICY } from "../src/capabilities/default-policy.ts";
import { capabilities } from "../src/capabilities/registry.ts";
import { ByteBotFile } from "../src/config/bytebot-file.ts";
import { ClientsFile } from "../src/config/clients.ts";
import { DesktopFile } from "../src/config/desktop-file.ts";
import { WebhooksFile } from "../src/config/webhooks.ts";
import type { HttpDeps } from "../src/http/http-deps.ts";
import { describeApi } from "../src/http/openapi.ts";
import { createRoutes } from "../src/http/routes.ts";
import { buildPolicy } from "../src/policy/build-policy.ts";
import { policyJsonSchema } from "../src/policy/policy-schema.ts";

/**
 * Writes the files that say in JSON what the sources say.
 *
 *     node scripts/generate.ts           writes those that differ
 *     node scripts/generate.ts --check   fails where one differs
 */
const root = dirname(import.meta.dirname);
const PUBLIC_URL = "http://localhost:8089";
const NO_SURROUNDINGS = { actions: [], protectedHosts: [] };

const FILES: Readonly<Record<string, () => unknown>> = {
  "config/policy.json": shippedPolicy,
  "config/policy.schema.json": () => policyJsonSchema(capabilities.values()),
  "config/clients.schema.json": () => ({
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "ByteBot Gateway clients",
    description: "Keys besides the built-in ones: who may call, and what each may do.",
    ...ClientsFile,
  }),
  "config/bytebot.schema.json": () => ({
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "ByteBot Gateway: how ByteBot is reached",
    ...ByteBotFile,
  }),
  "config/desktop.schema.json": () => ({
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "ByteBot Gateway: the embedded desktop",
    ...DesktopFile,
  }),
  "config/webhooks.schema.json": () => ({
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "ByteBot Gateway webhooks",
    description: "Who is told that a task waits for a person or has ended.",
    ...WebhooksFile,
  }),
  "docs/openapi.json": () => describeApi(describedRoutes(), packageFile.version, PUBLIC_URL),
};

const stale: string[] = [];
for (const [name, make] of Object.entries(FILES)) {
  const file = join(root, name);
  const text = formatted(name, await make());
  if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
  stale.push(name);
  if (process.argv.includes("--check")) continue;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

if (process.argv.includes("--check")) {
  for (const name of stale) console.error(`${name} is not what the sources say: npm run generate`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const name of stale) console.log(`wrote ${name}`);
}

/** The built-in default with every setting written out, for an operator to change. */
function shippedPolicy() {
  const { confirmation, approvals, target_check, security } = buildPolicy(
    DEFAULT_POLICY,
    NO_SURROUNDINGS,
  );
  return {
    $schema: "./policy.schema.json",
    capabilities: DEFAULT_POLICY.capabilities,
    confirmation: { ...confirmation, approvals },
    target_check,
    security,
  };
}

/** As `npm run format` would have it, so that the two agree. */
function formatted(name: string, value: unknown): string {
  const biome = join(root, "node_modules/.bin/biome");
  const options = ["format", `--stdin-file-path=${name}`];
  return execFileSync(biome, options, {
    input: JSON.stringify(value),
    cwd: root,
    encoding: "utf8",
  });
}

/** The routes as they are described: no request reaches them, so they need nothing to work with. */
function describedRoutes() {
  const config = { publicUrl: PUBLIC_URL, allowedHosts: [], corsOrigins: [], trustedProxies: [] };
  const deps: Partial<HttpDeps> = { version: packageFile.version, config };
  return createRoutes(deps as HttpDeps);
}
