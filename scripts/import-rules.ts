import type { ICruiseOptions, IForbiddenRuleType } from "dependency-cruiser";

/**
 * Who may import whom in src/. Types count as imports, except where a rule says "port types".
 * `scripts/check-imports.ts` runs it, and fails where no module was read.
 */

/**
 * Packages that are part of the built program. They are devDependencies, because the build
 * bundles them and nothing is installed beside it; only TypeBox ships whole, for the client's types.
 */
const SHIPPED_PACKAGES: readonly string[] = [
  "@fastify/cors",
  "@fastify/swagger",
  "@modelcontextprotocol/client",
  "@modelcontextprotocol/server",
  "@simplewebauthn/server",
  "canonicalize",
  "commander",
  "diff",
  "fastify",
  "ipaddr.js",
  "jose",
  "pino",
  "prom-client",
  "socket.io-client",
  "standardwebhooks",
  "typebox",
  "undici",
  "ws",
  "x11",
];

/** What each room may import besides itself, `lib` and `contract`. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  contract: [],
  config: [],
  auth: [],
  policy: [],
  events: [],
  audit: [],
  artifacts: [],
  capabilities: ["policy"],
  tasks: ["policy", "capabilities", "events", "audit"],
  tools: ["policy", "capabilities", "tasks"],
  guard: ["policy", "capabilities", "tasks"],
  takeover: ["policy", "capabilities", "tasks"],
  admin: ["policy", "capabilities", "tasks", "audit"],
  notify: [],
  people: ["policy"],
  vnc: ["tasks", "takeover"],
  client: [],
};

/** Rooms whose files name what other rooms need of a backend: their types may cross to it. */
const PORT_ROOMS = [
  "auth",
  "audit",
  "artifacts",
  "capabilities",
  "events",
  "notify",
  "people",
  "admin",
  "policy",
  "takeover",
  "tasks",
];

/** Tests stand beside what they test; what they share is in test/support. */
const tests = "\\.test\\.ts$";
const any = (names: readonly string[]) => `^src/(${names.join("|")})/`;

/** A room imports itself, `lib`, `contract` and what its row of ROOMS names. */
const roomRules: IForbiddenRuleType[] = Object.entries(ROOMS).map(([room, others]) => {
  const shared = room === "lib" ? [] : room === "contract" ? ["lib"] : ["lib", "contract"];
  const allowed = [room, ...shared, ...others];
  return {
    name: `${room}-imports-only-${allowed.slice(1).join("-") || "itself"}`,
    comment: `src/${room} may import ${allowed.join(", ")} and packages; nothing else of ours.`,
    severity: "error" as const,
    from: { path: any([room]), pathNot: tests },
    to: { path: "^(src|test|scripts|bench|console)/", pathNot: any(allowed) },
  };
});

/** `drivers` and `store` know other rooms by their port types alone. */
const backendRules: IForbiddenRuleType[] = ["drivers", "store"].flatMap((room) => [
  {
    name: `${room}-imports-only-ports`,
    comment: `src/${room} may import lib, contract and port types of ${PORT_ROOMS.join(", ")}.`,
    severity: "error" as const,
    from: { path: any([room]), pathNot: tests },
    to: {
      path: "^(src|test|scripts|bench|console)/",
      pathNot: any([room, "lib", "contract", ...PORT_ROOMS]),
    },
  },
  {
    name: `${room}-imports-ports-as-types`,
    comment: `What src/${room} takes from another room is \`import type\`: code comes from compose.`,
    severity: "error" as const,
    from: { path: any([room]), pathNot: tests },
    to: { path: any(PORT_ROOMS), dependencyTypesNot: ["type-only"] },
  },
]);

export const importRules: IForbiddenRuleType[] = [
  ...roomRules,
  ...backendRules,
  {
    name: "http-knows-no-backend",
    comment: "http and mcp reach drivers and stores through tasks and ports only.",
    severity: "error" as const,
    from: { path: any(["http", "mcp"]), pathNot: tests },
    to: {
      path: `${any(["drivers", "store", "cli", "client"])}|^src/main\\.ts$|${any(["compose"])}`,
    },
  },
  {
    name: "compose-alone-imports-implementations",
    comment:
      "Drivers and stores are wired in compose/; the local commands of cli may open a store.",
    severity: "error" as const,
    from: {
      path: "^src/",
      pathNot: [tests, any(["compose", "drivers", "store", "cli"])],
    },
    to: { path: any(["drivers", "store"]) },
  },
  {
    name: "cli-knows-no-driver",
    comment:
      "Commands about tasks use the client; local ones compose, config, policy, store, audit.",
    severity: "error" as const,
    from: { path: any(["cli"]), pathNot: tests },
    to: { path: any(["drivers", "http", "auth", "tasks"]) },
  },
  {
    name: "nobody-imports-the-program",
    comment: "main.ts and cli/ are where the program starts; compose/ belongs to them.",
    severity: "error" as const,
    from: { path: "^src/", pathNot: [tests, any(["cli", "compose"]), "^src/main\\.ts$"] },
    to: { path: `^src/main\\.ts$|${any(["cli", "compose"])}` },
  },
  {
    name: "console-knows-the-contract-only",
    comment: "The web page speaks HTTP: it shares the contract and nothing else.",
    severity: "error" as const,
    from: { path: "^console/" },
    to: { path: "^src/", pathNot: any(["contract"]) },
  },
  {
    name: "program-without-tests",
    comment: "What runs never imports tests, benchmarks or scripts.",
    severity: "error" as const,
    from: { path: "^src/", pathNot: tests },
    to: { path: `^(test|bench|scripts)/|${tests}` },
  },
  {
    name: "program-of-shipped-packages",
    comment: `The build bundles what src/ imports. A new package is added to SHIPPED_PACKAGES: ${SHIPPED_PACKAGES.join(", ")}.`,
    severity: "error" as const,
    from: { path: "^src/", pathNot: tests },
    to: {
      path: "node_modules/",
      pathNot: `node_modules/(${SHIPPED_PACKAGES.join("|").replaceAll(".", "\\.")})/`,
      dependencyTypesNot: ["type-only"],
    },
  },
  {
    name: "everything-resolves",
    comment: "An import that leads nowhere would also lead around these rules.",
    severity: "error" as const,
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: "no-cycle-between-files",
    comment: "Files that need each other are one file, or lack a third.",
    severity: "error" as const,
    from: {},
    to: { circular: true },
  },
  {
    name: "no-cycle-between-folders",
    comment: "Rooms that need each other cannot be read or tested alone.",
    severity: "error" as const,
    scope: "folder",
    from: { path: "^src/." },
    to: { circular: true },
  },
];

export const importOptions: ICruiseOptions = {
  doNotFollow: { path: "node_modules" },
  tsConfig: { fileName: "tsconfig.json" },
  // Type imports are imports.
  tsPreCompilationDeps: true,
  parser: "tsc",
  enhancedResolveOptions: {
    exportsFields: ["exports"],
    conditionNames: ["import", "require", "node", "default", "types"],
  },
};
