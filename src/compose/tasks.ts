import { createSealCheck } from "../audit/chain.ts";
import { capabilities } from "../capabilities/registry.ts";
import type { Principal } from "../contract/principal.ts";
import type { People } from "../people/people.ts";
import type { PolicySource } from "../policy/policy-source.ts";
import type { Desktops } from "../tasks/desktops.ts";
import type { StopSwitch } from "../tasks/stop-switch.ts";
import { TaskEngine } from "../tasks/task-engine.ts";
import { TaskReader } from "../tasks/task-reader.ts";
import type { Foundation } from "./foundation.ts";
import type { Keys } from "./keys.ts";
import type { Storage } from "./storage.ts";

export interface TasksDeps {
  readonly storage: Storage;
  readonly reader: TaskReader;
  readonly keys: Keys;
  readonly stopSwitch: StopSwitch;
  readonly desktops: Desktops;
  readonly policy: PolicySource;
  readonly people: People;
  readonly findPrincipal: (keyId: string) => Principal | undefined;
}

/** What is read of tasks is compared with its digest and with the sealed audit log. */
export function openTaskReader({ secrets }: Foundation, { store }: Storage): TaskReader {
  return new TaskReader({
    store: store.tasks,
    audit: store.audit,
    isSealed: createSealCheck(secrets.auditKey),
  });
}

/** The task engine over the stores; it does nothing until `recover`. */
export function openTasks({ config, address, log }: Foundation, deps: TasksDeps): TaskEngine {
  const { storage, policy, people, keys, ...parts } = deps;
  return new TaskEngine({
    ...parts,
    store: storage.store.tasks,
    grants: storage.store.grants,
    artifacts: storage.artifacts,
    capabilities,
    policy: () => policy.current,
    handsOf: (keyId) => people.handsOf([keyId, ...(keys.ring.principal(keyId)?.toldTo ?? [])]),
    checkStepUp: (principal, request, risk) => people.stepUp.check(principal, request, risk),
    maxFileSize: config.maxFileSize,
    publicUrl: () => address.publicUrl,
    onCorrupted: (taskId, problem) =>
      log.error({ task_id: taskId, problem }, "what is stored of a task is not what was planned"),
    onError: (err, taskId) => log.error({ err, task_id: taskId }, "a task met an unforeseen error"),
  });
}
