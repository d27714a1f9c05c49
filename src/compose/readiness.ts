import type { ReadyPart, ReadyView } from "../contract/service.ts";
import type { NamedDesktop } from "../tasks/desktops.ts";

export interface ReadinessDeps {
  /** What the disk refuses with, tried anew where it did. */
  readonly checkWrites: () => Promise<string | undefined>;
  /** How the audit log contradicts what was exported from it, until somebody says that they know. */
  readonly auditProblem: () => Promise<string | undefined>;
  readonly readStore: () => Promise<unknown>;
  readonly desktops: () => readonly NamedDesktop[];
  readonly policyProblem: () => string | undefined;
  readonly keysProblem: () => string | undefined;
  readonly webhooksProblem: () => string | undefined;
  readonly stopped: () => boolean;
}

const OK: ReadyPart = { ok: true };

/** Whether work would be accepted, part by part. Never rejects. */
export async function checkReadiness(deps: ReadinessDeps): Promise<ReadyView> {
  const [writes, contradiction, store, driver] = await Promise.all([
    deps.checkWrites(),
    deps.auditProblem(),
    deps.readStore().then(() => OK, unreadable),
    driverPart(deps.desktops()),
  ]);
  const parts = {
    store,
    audit: auditPart(writes, contradiction),
    driver,
    policy: policyPart(deps.policyProblem(), deps.keysProblem(), deps.webhooksProblem()),
    stopped: deps.stopped()
      ? {
          ok: false,
          detail: "Everything is stopped.",
          hint: "An approver resumes it: POST /resume.",
        }
      : OK,
  };
  return { ready: Object.values(parts).every(({ ok }) => ok), parts };
}

function auditPart(writes: string | undefined, contradiction: string | undefined): ReadyPart {
  if (writes !== undefined) {
    return {
      ok: false,
      detail: `Records cannot be written: ${writes}`,
      hint: "Free space in DATA_DIR or make it writable; the gateway recovers by itself.",
    };
  }
  if (contradiction === undefined) return OK;
  return {
    ok: false,
    detail: contradiction,
    hint: "Find out who changed DATA_DIR: `bytebot-gateway audit verify`. Then say on the host that you know: `bytebot-gateway audit acknowledge`.",
  };
}

/** While one desktop answers there is work that can be done; those that do not are named. */
async function driverPart(desktops: readonly NamedDesktop[]): Promise<ReadyPart> {
  const problems = await Promise.all(
    desktops.map(async ({ name, driver }) => {
      const problem = await driver.health();
      if (problem === undefined || desktops.length === 1) return problem && { name, ...problem };
      return { ...problem, name, detail: `Desktop ${name}: ${problem.detail}` };
    }),
  );
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length === 0) return OK;
  const hints = new Set(found.map(({ hint }) => hint));
  const isDegraded = found.length < desktops.length;
  return {
    ok: isDegraded,
    ...(isDegraded && { degraded: found.map(({ name }) => name) }),
    detail: found.map(({ detail }) => detail).join("\n"),
    hint: [...hints].join("\n"),
  };
}

/** A policy, key or webhook file that is not in force is a fault of the operator's rules either way. */
function policyPart(...problems: (string | undefined)[]): ReadyPart {
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length === 0) return OK;
  return {
    ok: false,
    detail: found.join("\n"),
    hint: "What was in force before still is. Mend the file; it is read again when it changes.",
  };
}

function unreadable(error: unknown): ReadyPart {
  const detail = error instanceof Error ? error.message : String(error);
  return {
    ok: false,
    detail,
    hint: "Look at the database in DATA_DIR; `./gateway doctor` helps.",
  };
}
