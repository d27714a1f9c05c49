import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { AuditHead } from "../../audit/audit-store.ts";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";
import { inert } from "../inert-text.ts";
import { inSession, type Session } from "../session.ts";
import type { Shell } from "../shell.ts";

interface VerifyOptions {
  readonly dataDir?: string;
  readonly head?: AuditHead;
}

interface AcknowledgeOptions {
  readonly dataDir?: string;
  readonly reason?: string;
}

export function addAuditCommands(program: Command, shell: Shell): void {
  const audit = program
    .command("audit")
    .summary("verify the audit log, acknowledge that it was cut")
    .description("The audit log, read from the database itself.");

  audit
    .command("verify")
    .description(
      "Proves that no record was changed, removed, reordered or sealed anew. Works offline and " +
        "beside a running gateway. Needs AUDIT_KEY.",
    )
    .option("--data-dir <folder>", "where the database is (else DATA_DIR, else ./data)")
    .option("--head <seq:mac>", "a head noted elsewhere: it must be part of the log", headValue)
    .action((options: VerifyOptions, command) =>
      inSession(shell, command, async (session) => {
        const { output } = session;
        const { verdict } = await verifyLog(session, options);
        const { paint } = output;
        if (output.json) output.document(verdict);
        else if (verdict.ok) {
          output.print(
            `${paint("green", "✔")} ${verdict.records} records, each as it was sealed.`,
            `${paint("dim", "head")}  ${verdict.head.seq}:${verdict.head.mac}`,
          );
          if (verdict.exported === undefined) {
            output.note("No exported head was found: a log cut short would not be noticed.");
          }
        } else {
          output.print(
            `${paint(["red", "bold"], `✖ ${verdict.problem}`)}  ${inert(verdict.detail)}`,
            `${verdict.records} records before it are sound.`,
          );
        }
        return verdict.ok ? EXIT.ok : EXIT.failed;
      }),
    );

  audit
    .command("acknowledge")
    .description(
      "Says that you know of a contradiction: the log was not what had been exported from it, which a\n" +
        "start of the gateway found. Until then `audit verify` fails and /ready is not ok. Needs AUDIT_KEY.\n" +
        "The gateway records it when it runs.",
    )
    .option("--reason <text>", "what you found out; it stands in the log")
    .option("--data-dir <folder>", "where the database is (else DATA_DIR, else ./data)")
    .action((options: AcknowledgeOptions, command) =>
      inSession(shell, command, async (session) => {
        const { output } = session;
        const { verdict, files, auditKey, records } = await verifyLog(session, options);
        if (verdict.ok) {
          output.note("There is nothing to acknowledge: the log is sound.");
          return EXIT.ok;
        }
        if (verdict.problem !== "contradicted") {
          throw new CliError(
            "failed",
            `${verdict.problem}: ${verdict.detail}`,
            "Only what a start of the gateway has found and recorded can be acknowledged.",
          );
        }
        const { openContradictions } = await import("../../audit/contradictions.ts");
        let open: ReturnType<typeof openContradictions> = [];
        for await (const record of records()) open = openContradictions(open, record);
        const newest = open.at(-1);
        if (newest === undefined) return EXIT.ok;
        const { writeAcknowledgement } = await import("../../audit/acknowledgement.ts");
        const { seq, mac } = newest;
        const time = new Date().toISOString();
        const by = userInfo().username;
        const { reason } = options;
        await writeAcknowledgement(files.acknowledgement, { seq, mac, by, reason, time }, auditKey);
        if (output.json) output.document({ acknowledged: open.map((record) => record.seq) });
        else {
          for (const { details } of open) output.print(inert(String(details?.detail)));
          output.note("Acknowledged. The gateway records it at once, or when it starts.");
        }
        return EXIT.ok;
      }),
    );
}

/** Reads and verifies the log of a DATA_DIR. Throws CliError. */
async function verifyLog(
  { settings, shell }: Session,
  options: Pick<VerifyOptions, "dataDir" | "head">,
) {
  const { verifyAudit } = await import("../../audit/verify.ts");
  const { readAuditRecords } = await import("../../store/sqlite/read-audit-records.ts");
  const { dataDirFiles } = await import("../../store/sqlite/data-dir.ts");
  const auditKey = settings.secret("AUDIT_KEY");
  if (auditKey === undefined) {
    throw new CliError(
      "unauthorised",
      "Verifying needs AUDIT_KEY.",
      "Run it in the folder of the gateway's .env, or set AUDIT_KEY or AUDIT_KEY_FILE.",
    );
  }
  const files = dataDirFiles(
    resolve(shell.cwd, options.dataDir ?? settings.get("DATA_DIR") ?? "data"),
  );
  if (!existsSync(files.database)) {
    throw new CliError("usage", `There is no database ${files.database}.`, "Name its --data-dir.");
  }
  const records = () => readAuditRecords(files.database);
  const verdict = await verifyAudit({
    read: records,
    headFile: files.auditHead,
    auditKey,
    ...(options.head === undefined ? {} : { head: options.head }),
  });
  return { verdict, files, auditKey, records };
}

function headValue(text: string): AuditHead {
  const [, seq, mac] = /^(\d{1,15}):(hmac-sha256:[0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && mac !== undefined) return { seq: Number(seq), mac };
  throw new InvalidArgumentError("It looks like 42:hmac-sha256:… and is printed by audit verify.");
}
