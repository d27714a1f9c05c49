import { resolve } from "node:path";
import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";
import { inert } from "../inert-text.ts";
import { inSession, type Session } from "../session.ts";
import type { Shell } from "../shell.ts";

/** `backup` and `restore`: the whole state of a gateway as one file. */
export function addBackupCommands(program: Command, shell: Shell): void {
  program
    .command("backup")
    .summary("copy database and artifacts into one file")
    .description("Copies database and artifacts into one new file, beside a running gateway too.")
    .argument("<file>", "a new file to write")
    .option("--data-dir <folder>", "where the database is (else DATA_DIR, else ./data)")
    .action((file: string, options: { dataDir?: string }, command) =>
      inSession(shell, command, async (session) => {
        const { backupStore } = await import("../../store/sqlite/backup.ts");
        const target = resolve(shell.cwd, file);
        const report = await orFail(backupStore(dataDirOf(session, options.dataDir), target));
        if (session.output.json) session.output.document(report);
        else {
          session.output.print(
            `${inert(file)}: everything up to audit record ${report.auditSeq}, ` +
              `${report.artifacts} artifacts.`,
          );
          session.output.note(
            "It holds what tasks read and wrote: keep it as safe as the gateway.",
          );
        }
        return EXIT.ok;
      }),
    );

  program
    .command("restore")
    .summary("put a backup in place")
    .description(
      "Puts a backup in place, or for a running gateway at its next start. The database that was " +
        "there is kept. Tasks that were under way in the backup do not run again.",
    )
    .argument("<file>", "a file written by backup")
    .option("--data-dir <folder>", "where the database goes (else DATA_DIR, else ./data)")
    .action((file: string, options: { dataDir?: string }, command) =>
      inSession(shell, command, async (session) => {
        const { restoreStore } = await import("../../store/sqlite/restore.ts");
        const folder = dataDirOf(session, options.dataDir);
        const report = await orFail(
          Promise.try(() => restoreStore(folder, resolve(shell.cwd, file))),
        );
        const { output } = session;
        if (output.json) output.document(report);
        else if (report.state === "staged") {
          output.print("A gateway is running: the backup is put in place when it starts next.");
        } else {
          output.print(
            `Restored the state of ${report.takenAt}, ${report.artifacts} artifacts; ` +
              `${report.ended} tasks that were under way have ended.`,
          );
          if (report.kept !== undefined) output.note(`The database before: ${inert(report.kept)}`);
        }
        return EXIT.ok;
      }),
    );
}

function dataDirOf({ shell, settings }: Session, option: string | undefined): string {
  return resolve(shell.cwd, option ?? settings.get("DATA_DIR") ?? "data");
}

/** What the store says went wrong is for the person, not a fault of this program. */
function orFail<Report>(work: Promise<Report>): Promise<Report> {
  return work.catch((cause: unknown) => {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("failed", detail, undefined, cause);
  });
}
