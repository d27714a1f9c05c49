import type { Command } from "commander";
import type { TaskView } from "../../contract/task.ts";
import { askOnTerminal } from "../ask.ts";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";
import { inert } from "../inert-text.ts";
import { readPlanFile } from "../read-input.ts";
import { inSession } from "../session.ts";
import type { Shell } from "../shell.ts";

interface DecisionOptions {
  readonly reason?: string;
  readonly onBehalfOf?: string;
  /** Of a rejection alone. */
  readonly proposal?: string;
}

/** `approve` and `reject`: what an approver says to a plan. */
export function addDecisionCommands(program: Command, shell: Shell): void {
  program
    .command("approve")
    .summary("show a whole plan, ask on the terminal, approve it")
    .description(
      "Shows the whole plan and asks on the terminal itself (/dev/tty), never on a pipe. " +
        "Takes the approver's secret from APPROVER_SECRET, APPROVER_SECRET_FILE or ./approver.key.",
    )
    .argument("<task>", "the task's id")
    .option("--reason <text>", "kept with the approval")
    .option("--on-behalf-of <name>", "who decided, recorded as claimed")
    .action((taskId: string, options: DecisionOptions, command) =>
      inSession(shell, command, async (session) => {
        const client = session.client("approver");
        const shown = await client.task(taskId, { signal: shell.signal });
        refuseDecided(shown, session.output.program);
        const answer = await askOnTerminal(shell, shown, "Approve this plan?");
        if (answer === "no terminal") {
          throw new CliError(
            "rejected",
            "There is no terminal to ask on: nothing was approved.",
            "Approve from a terminal, not from a script or a pipe; with ssh, use ssh -t.",
          );
        }
        if (answer === "no") {
          throw new CliError(
            "rejected",
            "Not approved; the plan is still undecided.",
            `Refuse it for good: ${session.output.program} reject ${taskId}`,
          );
        }
        const task = await client.confirm({
          task_id: shown.task_id,
          plan_digest: shown.plan_digest,
          decision: "approve",
          ...wordsOf(options),
        });
        if (session.output.json) session.output.document(task);
        else session.output.print(approvedLine(task));
        return EXIT.ok;
      }),
    );

  program
    .command("reject")
    .summary("refuse a plan")
    .description(
      "Refuses a plan for good: it never runs. With --proposal the requester receives another plan, " +
        "which it may plan in its place.",
    )
    .argument("<task>", "the task's id")
    .option("--reason <text>", "told to the requester")
    .option("--on-behalf-of <name>", "who decided, recorded as claimed")
    .option("--proposal <file>", "what the requester may plan instead, as JSON; - for stdin")
    .action((taskId: string, options: DecisionOptions, command) =>
      inSession(shell, command, async (session) => {
        const { proposal: file } = options;
        const proposal = file === undefined ? {} : { proposal: await readPlanFile(shell, file) };
        const client = session.client("approver");
        const shown = await client.task(taskId, { signal: shell.signal });
        const task = await client.confirm({
          task_id: shown.task_id,
          plan_digest: shown.plan_digest,
          decision: "reject",
          ...wordsOf(options),
          ...proposal,
        });
        if (session.output.json) session.output.document(task);
        else session.output.print(`Rejected: ${inert(task.plan_summary)}`);
        return EXIT.ok;
      }),
    );
}

function wordsOf({ reason, onBehalfOf }: DecisionOptions) {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(onBehalfOf === undefined ? {} : { on_behalf_of: onBehalfOf }),
  };
}

/** Asking for a decision that can no longer be made would waste the approver's attention. */
function refuseDecided(task: TaskView, program: string): void {
  if (task.status === "planned" || task.status === "awaiting_confirmation") return;
  throw new CliError(
    "failed",
    `There is nothing to decide: the task is ${task.status}.`,
    `Those that wait: ${program} tasks --status awaiting_confirmation --key-id approver`,
  );
}

function approvedLine(task: TaskView): string {
  const missing = task.confirmation.approvals_required - task.approvals.length;
  if (missing > 0) return "Approved; another approver must approve it too.";
  return task.status === "ready"
    ? "Approved; it runs once its requester executes it."
    : `Approved; it is ${task.status}.`;
}
