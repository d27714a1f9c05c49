import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { AuditHead } from "../../audit/audit-store.ts";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";
import { inert } from "../inert-text.ts";
import { inSession } from "../session.ts";
import type { Shell } from "../shell.ts";

interface VerifyOptions {
  readonly dataDir?: string;
  readonly head?: AuditHead;
}

export function addAuditCommands(program: Command, shell: Shell): void {
  const audit = program
    .command("audit")
    .summary("verify the audit log")
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
      inSession(shell, command, async ({ output, settings }) => {
        const { verifyAudit } = await import("../../audit/verify.ts");
        const { readAuditRecords } = await import("../../store/sqlite/audit-store.ts");
        const { dataDirFiles } = await import("../../store/sqlite/data-dir.ts");
        const auditKey = settings.secret("AUDIT_KEY");
        if (auditKey === undefined) {
          throw new CliError(
            "unauthorised",
            "Verifying needs AUDIT_KEY.",
            "Run it in the folder of the gateway's .env, or set AUDIT_KEY or AUDIT_KEY_FILE.",
          );
        }
        const folder = resolve(shell.cwd, options.dataDir ?? settings.get("DATA_DIR") ?? "data");
        const { database, auditHead } = dataDirFiles(folder);
        if (!existsSync(database)) {
          throw new CliError("usage", `There is no database ${database}.`, "Name its --data-dir.");
        }
        const verdict = await verifyAudit({
          read: () => readAuditRecords(database),
          headFile: auditHead,
          auditKey,
          ...(options.head === undefined ? {} : { head: options.head }),
        });
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
}

function headValue(text: string): AuditHead {
  const [, seq, mac] = /^(\d{1,15}):(hmac-sha256:[0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && mac !== undefined) return { seq: Number(seq), mac };
  throw new InvalidArgumentError("It looks like 42:hmac-sha256:… and is printed by audit verify.");
}
