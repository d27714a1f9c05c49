import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { inSession } from "../session.ts";
import type { Shell } from "../shell.ts";

/** `stop` and `resume`: the switch for everything. */
export function addStopCommands(program: Command, shell: Shell): void {
  program
    .command("stop")
    .summary("stop everything now, until resumed")
    .description("Cancels what runs and what waits, and refuses new work until resumed.")
    .option("--reason <text>", "kept in the audit log")
    .action((options: { reason?: string }, command) =>
      inSession(shell, command, async (session) => {
        const view = await session.client("approver").stop(options.reason);
        const ended = view.cancelled ?? 0;
        if (session.output.json) session.output.document(view);
        else {
          session.output.print(
            `Stopped; ${ended} ${ended === 1 ? "task was" : "tasks were"} cancelled.`,
          );
          if (view.note !== undefined) session.output.note(view.note);
          session.output.note(`Take work again: ${session.output.program} resume`);
        }
        return EXIT.ok;
      }),
    );

  program
    .command("resume")
    .summary("take work again after a stop")
    .description("Takes work again after a stop. What was cancelled stays cancelled.")
    .action((_options: unknown, command) =>
      inSession(shell, command, async (session) => {
        const view = await session.client("approver").resume();
        if (session.output.json) session.output.document(view);
        else session.output.print(view.stopped ? "Still stopped." : "Resumed.");
        return EXIT.ok;
      }),
    );
}
