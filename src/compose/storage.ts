import { join } from "node:path";
import { ArtifactFiles } from "../artifacts/artifact-files.ts";
import { Artifacts } from "../artifacts/artifacts.ts";
import { ACKNOWLEDGEMENT_FILE_NAME } from "../audit/acknowledgement.ts";
import { createSealer } from "../audit/chain.ts";
import { Contradictions } from "../audit/contradictions.ts";
import { AuditHeadFile, HEAD_FILE_NAME } from "../audit/head-file.ts";
import { prepareDirectories } from "../config/directories.ts";
import { claimDataDir } from "../store/sqlite/claim.ts";
import { applyStagedRestore } from "../store/sqlite/restore.ts";
import { openStore, type SqliteStore } from "../store/sqlite/store.ts";
import type { Foundation } from "./foundation.ts";

/** What is kept: the database, the exported head of its audit log, and artifacts. */
export interface Storage extends AsyncDisposable {
  readonly store: SqliteStore;
  readonly headFile: AuditHeadFile;
  /** Where the audit log contradicts that head, until an operator acknowledges it. */
  readonly contradictions: Contradictions;
  readonly artifacts: Artifacts;
}

/** Prepares and claims DATA_DIR and opens what is in it. Throws StartupError and StoreError. */
export async function openStorage({ config, secrets, log }: Foundation): Promise<Storage> {
  await using building = new AsyncDisposableStack();
  const { dataDir } = config;
  prepareDirectories(config);
  building.use(claimDataDir(dataDir));
  applyStagedRestore(dataDir);
  const store = building.use(
    openStore({ file: join(dataDir, "gateway.db"), seal: createSealer(secrets.auditKey), log }),
  );
  const contradictions = await Contradictions.open({
    settings: store.settings,
    store: store.audit,
    file: join(dataDir, ACKNOWLEDGEMENT_FILE_NAME),
    auditKey: secrets.auditKey,
    onAcknowledged: (by) => log.warn({ by }, "the contradiction of the audit log was acknowledged"),
    onRefused: (problem) => log.error({ problem }, "audit acknowledgement"),
  });
  const headFile = building.use(
    await AuditHeadFile.open({
      store: store.audit,
      file: join(dataDir, HEAD_FILE_NAME),
      auditKey: secrets.auditKey,
      onExported: ({ seq, mac }) => log.info({ seq, mac }, "audit head"),
      onContradiction: (contradiction) => contradictions.record(contradiction),
      onProblem: (problem, err) => log.error({ err, problem }, "audit head"),
    }),
  );
  const artifacts = new Artifacts(
    store.artifacts,
    await ArtifactFiles.open(join(dataDir, "artifacts")),
  );
  const built = building.move();
  return {
    store,
    headFile,
    contradictions,
    artifacts,
    [Symbol.asyncDispose]: () => built.disposeAsync(),
  };
}
