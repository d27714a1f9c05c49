import type { Command } from "commander";
import type { ClientEvent } from "../../client/client.ts";
import { FINISHED_STATUSES } from "../../client/client.ts";
import type { TaskStatus } from "../../contract/task.ts";
import { EXIT, type ExitCode, exitOfStatus } from "../exit-codes.ts";
import { inert } from "../inert-text.ts";
import { count } from "../option-values.ts";
import { inSession, type Session } from "../session.ts";
import type { Shell } from "../shell.ts";

export function addWatchCommand(program: Command, shell: Shell): void {
  program
    .command("watch")
    .summary("show events as they happen")
    .description(
      "Shows events as they happen, one a line; with a task, its own from the first to the last. " +
        "Reconnects and goes on where it was. Without a secret it sees names and progress only.",
    )
    .argument("[task]", "the task's id")
    .option("--since <id>", "events after this one; 0 for all there are", count)
    .action((taskId: string | undefined, options: { since?: number }, command) =>
      inSession(shell, command, (session) => watch(session, taskId, options.since)),
    );
}

async function watch(
  session: Session,
  taskId: string | undefined,
  since: number | undefined,
): Promise<ExitCode> {
  const { output, shell } = session;
  const known = session.credential("requester") !== undefined;
  if (!known) output.note("Watching without a secret: names and progress only.");
  const client = known ? session.client("requester") : session.anonymous();
  const events = client.events({
    taskId,
    since: since ?? (taskId === undefined ? undefined : 0),
    signal: shell.signal,
    onReconnect: (problem) => output.note(`reconnecting: ${inert(problem.message)}`),
  });
  for await (const event of events) {
    if (output.json) output.jsonLine(event);
    else output.print(eventLine(event, session));
    const status = event.event.replace(/^task_/, "");
    if (taskId !== undefined && FINISHED_STATUSES.has(status)) {
      return exitOfStatus(status as TaskStatus);
    }
  }
  return EXIT.interrupted;
}

/** `12:01:02  task_progress     task_…   40 %  message`. */
function eventLine(event: ClientEvent, { output }: Session): string {
  const { paint } = output;
  const time = new Date(event.timestamp).toTimeString().slice(0, 8);
  const progress =
    event.progress === undefined ? "" : `${Math.round(event.progress)} %`.padStart(5);
  const parts = [
    paint("dim", time),
    paint(styleOf(event.event), inert(event.event).padEnd(16)),
    inert(event.task_id ?? "gateway").padEnd(27),
    progress,
    typeof event.message === "string" ? inert(event.message) : "",
    event.error === undefined ? "" : inert(`${event.error.code}: ${event.error.detail}`),
  ];
  return parts
    .filter((part) => part !== "")
    .join("  ")
    .trimEnd();
}

const STYLES = { green: /completed|confirmed|resumed/, red: /failed|rejected|interrupted|stopped/ };

function styleOf(name: string): "green" | "red" | "reset" {
  if (STYLES.green.test(name)) return "green";
  return STYLES.red.test(name) ? "red" : "reset";
}
