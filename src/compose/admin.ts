import { join } from "node:path";
import type { Admin } from "../admin/admin.ts";
import { DryRun } from "../admin/dry-run.ts";
import { PolicyService } from "../admin/policy-service.ts";
import type { RecordedPlans } from "../admin/recorded-plans.ts";
import { Statistics } from "../admin/statistics.ts";
import type { StatisticsStore } from "../admin/statistics-store.ts";
import type { AuditSearcher } from "../audit/audit-search.ts";
import type { AuditStore } from "../audit/audit-store.ts";
import { AuditVerification, type AuditVerificationOptions } from "../audit/audit-verification.ts";
import { HEAD_FILE_NAME } from "../audit/head-file.ts";
import { capabilities } from "../capabilities/registry.ts";
import type { Principal } from "../contract/principal.ts";
import type { HttpDeps } from "../http/http-deps.ts";
import type { PolicySource } from "../policy/policy-source.ts";
import type { Foundation } from "./foundation.ts";

/** What the pages of operators read. */
interface AdminStores {
  readonly audit: Pick<AuditStore, "head">;
  readonly auditSearch: AuditSearcher & Pick<AuditVerificationOptions["log"], "readFiled">;
  readonly plans: RecordedPlans;
  readonly statistics: StatisticsStore;
}

export interface OpenedAdmin extends AsyncDisposable {
  readonly admin: Admin;
  readonly audit: HttpDeps["audit"];
}

/** What operators look at; it costs next to nothing until they do. */
export function openAdmin(
  { config, secrets, log }: Foundation,
  store: AdminStores,
  policy: PolicySource,
  findPrincipal: (keyId: string) => Principal | undefined,
): OpenedAdmin {
  const building = new AsyncDisposableStack();
  const logReader = {
    head: () => store.audit.head(),
    search: store.auditSearch.search.bind(store.auditSearch),
  };
  const verification = building.use(
    new AuditVerification({
      log: {
        head: () => store.audit.head(),
        readFiled: store.auditSearch.readFiled.bind(store.auditSearch),
      },
      auditKey: secrets.auditKey,
      headFile: join(config.dataDir, HEAD_FILE_NAME),
      onBroken: (problem) => log.error({ problem }, "the audit log is not as it was written"),
      onError: (err) => log.error({ err }, "the audit log could not be verified"),
    }),
  );
  const statistics = building.use(
    new Statistics({
      store: store.statistics,
      nameOf: (keyId) => findPrincipal(keyId)?.person?.name,
      onError: (err) => log.error({ err }, "statistics could not be counted; it is tried again"),
    }),
  );
  return {
    admin: {
      policy: new PolicyService({ policy, capabilities, findPrincipal }),
      dryRun: new DryRun({ policy, plans: store.plans, capabilities, findPrincipal }),
      statistics,
    },
    audit: { ...logReader, verification: () => verification.view() },
    [Symbol.asyncDispose]: () => building.disposeAsync(),
  };
}
