import { createWriteStream } from "node:fs";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { FINISHED_STATUSES } from "../../client/client.ts";
import type { TaskStatus } from "../../contract/task.ts";
import { CliError } from "../cli-error.ts";
import { EXIT, exitOfStatus } from "../exit-codes.ts";
import { followTask } from "../follow-task.ts";
import { cut, inert } from "../inert-text.ts";
import { count, seconds } from "../option-values.ts";
import { printOutcome } from "../print-outcome.ts";
import { quoteForShell } from "../quote-for-shell.ts";
import { durationText, RISK_STYLES, renderPlan } from "../render-plan.ts";
import { inSession, type Session } from "../session.ts";
import type { Shell } from "../shell.ts";

/** `execute`, `cancel`, `tasks` and `artifact`: what one does with tasks that are planned. */
export function addTaskCommands(program: Command, shell: Shell): void {
  program
    .command("execute")
    .summary("start a planned task")
    .description("Starts a planned task, once, and says how it stands.")
    .argument("<task>", "the task's id")
    .option("-w, --wait", "follow it to its end and print the result")
    .option("--timeout <seconds>", "wait no longer for the task's end", seconds)
    .action((taskId: string, options: { wait?: boolean; timeout?: number }, command) =>
      inSession(shell, command, async (session) => {
        const { output } = session;
        const client = session.client("requester");
        const view = await client.execute({ task_id: taskId });
        if (options.wait !== true) {
          if (output.json) output.document(view);
          else output.print(inert(view.message));
          return exitOfStatus(view.status);
        }
        if (view.status === "awaiting_confirmation") output.note(inert(view.message));
        const task = await followTask(session, client, taskId, options.timeout);
        await printOutcome(output, client, task);
        return exitOfStatus(task.status);
      }),
    );

  program
    .command("cancel")
    .summary("end a task, whether it runs or waits")
    .description("Ends a task, whether it runs or waits. What it has done already stays done.")
    .argument("<task>", "the task's id")
    .action((taskId: string, _options: unknown, command) =>
      inSession(shell, command, async (session) => {
        const task = await session.client("requester").cancel(taskId);
        if (session.output.json) session.output.document(task);
        else session.output.print(`The task is ${task.status}.`);
        return EXIT.ok;
      }),
    );

  program
    .command("tasks")
    .summary("list tasks, or show one whole")
    .description(
      "Lists tasks, newest first, or shows one whole. A requester sees its own, an approver " +
        "(--key-id approver) everyone's.",
    )
    .argument("[task]", "the task's id")
    .option("--status <status>", `only these: ${STATUS_NAMES}`)
    .option("--limit <number>", "how many, up to 200", count, USUAL_LIMIT)
    .option("--cursor <cursor>", "go on where the last page ended")
    .action((taskId: string | undefined, options: ListOptions, command) =>
      inSession(shell, command, async (session) => {
        await (taskId === undefined ? listTasks(session, options) : showTask(session, taskId));
        return EXIT.ok;
      }),
    );

  program
    .command("artifact")
    .summary("fetch an artifact: a screenshot, a long text")
    .description("Writes an artifact's bytes to a file, or to stdout where that is no terminal.")
    .argument("<artifact>", "the artifact's id")
    .option("-o, --output <file>", "a new file to write")
    .action((id: string, options: { output?: string }, command) =>
      inSession(shell, command, async (session) => {
        const { output } = session;
        if (options.output === undefined && output.onTerminal) {
          throw new CliError("usage", "Its bytes are not for a terminal.", "Say --output FILE.");
        }
        const artifact = await session.client("requester").artifact(id, { signal: shell.signal });
        if (options.output === undefined) {
          for await (const chunk of artifact.stream) await output.raw(chunk);
          return EXIT.ok;
        }
        const file = createWriteStream(resolve(shell.cwd, options.output), { flags: "wx" });
        await pipeline(artifact.stream, file).catch((cause: unknown) => {
          const reason = cause instanceof Error ? cause.message : String(cause);
          throw new CliError("failed", `${options.output} was not written: ${reason}.`);
        });
        const { mediaType } = artifact;
        if (output.json) output.document({ file: options.output, media_type: mediaType });
        else output.print(`${options.output} (${inert(mediaType)})`);
        return EXIT.ok;
      }),
    );
}

/** The contract's list would bring its schema library with it; the compiler keeps the two equal. */
const STATUSES: Readonly<Record<TaskStatus, true>> = {
  planned: true,
  awaiting_confirmation: true,
  ready: true,
  queued: true,
  running: true,
  completed: true,
  failed: true,
  cancelled: true,
  interrupted: true,
  rejected: true,
  expired: true,
};
const USUAL_LIMIT = 20;
const STATUS_NAMES = Object.keys(STATUSES).join(", ");

interface ListOptions {
  readonly status?: string;
  readonly limit: number;
  readonly cursor?: string;
}

async function listTasks(session: Session, { status, limit, cursor }: ListOptions): Promise<void> {
  const { output, shell } = session;
  if (status !== undefined && !isStatus(status)) {
    throw new CliError("usage", `No task is ${status}.`, `It is one of: ${STATUS_NAMES}.`);
  }
  const list = await session.client("requester").tasks(
    {
      limit,
      ...(status === undefined ? {} : { status }),
      ...(cursor === undefined ? {} : { cursor }),
    },
    { signal: shell.signal },
  );
  if (output.json) return output.document(list);
  if (list.tasks.length === 0) output.note("No tasks.");
  const statusWidth = Math.max(...list.tasks.map((task) => task.status.length));
  for (const task of list.tasks) {
    const age = durationText(Math.max(0, (Date.now() - Date.parse(task.created_at)) / 1000));
    const head = `${task.task_id}  ${task.status.padEnd(statusWidth)}  ${age.padStart(6)}  `;
    const risk = output.paint(RISK_STYLES[task.estimated_risk], task.estimated_risk.padEnd(6));
    const summary = inert(task.plan_summary);
    const room = Math.max(10, output.width - head.length - 8);
    output.print(`${head}${risk}  ${output.onTerminal ? cut(summary, room) : summary}`);
  }
  if (list.next_cursor !== undefined) {
    const words = [
      "tasks",
      ...session.given,
      ...(status === undefined ? [] : ["--status", status]),
      ...(limit === USUAL_LIMIT ? [] : ["--limit", String(limit)]),
      ...["--cursor", list.next_cursor],
    ];
    output.note(`More: ${output.program} ${words.map(quoteForShell).join(" ")}`);
  }
}

function isStatus(text: string): text is TaskStatus {
  return Object.hasOwn(STATUSES, text);
}

async function showTask(session: Session, taskId: string): Promise<void> {
  const { output, shell } = session;
  const client = session.client("requester");
  const task = await client.task(taskId, { signal: shell.signal });
  if (output.json) return output.document(task);
  output.print(...renderPlan(task, output, Date.now()));
  if (FINISHED_STATUSES.has(task.status)) {
    output.print("");
    await printOutcome(output, client, task);
  }
}
