import type { Command } from "commander";
import type { GatewayClient } from "../../client/client.ts";
import type { PlanView } from "../../contract/task.ts";
import { askOnTerminal } from "../ask.ts";
import { CliError } from "../cli-error.ts";
import { exitOfStatus } from "../exit-codes.ts";
import { followTask } from "../follow-task.ts";
import { seconds } from "../option-values.ts";
import { programOf } from "../output.ts";
import { type PlanOptions, planRequest } from "../plan-request.ts";
import { printOutcome } from "../print-outcome.ts";
import { renderPlan } from "../render-plan.ts";
import { inSession, type Session } from "../session.ts";
import { type Shell, widthOf } from "../shell.ts";

interface RunCommandOptions extends PlanOptions {
  readonly yes?: boolean;
  readonly timeout?: number;
}

export function addRunCommand(program: Command, shell: Shell): void {
  program
    .command("run")
    .summary("plan an action, show it, ask, execute it and follow it to its end")
    .description(
      "Plans an action, shows what it would do, asks, executes it and follows it to its end. " +
        "The result goes to stdout, everything else to stderr.",
    )
    .argument("[action]", "what to do, e.g. fs.read")
    .argument("[parameters...]", "key=value, key:=json, key=@file")
    .option("-f, --file <file>", "plan of several steps as JSON, - for standard input")
    .option("--title <title>", "what the plan is called")
    .option("--desktop <name>", "the desktop to work on")
    .option("-y, --yes", "execute without asking; an approver is still asked where policy says so")
    .option("--timeout <seconds>", "wait no longer for the task's end", seconds)
    .addHelpText("after", examples(programOf(shell.env)))
    .action((action: string | undefined, words: string[], options: RunCommandOptions, command) =>
      inSession(shell, command, async (session) => {
        const client = session.client("requester");
        const request = await planRequest(session, client, action, words, options);
        const plan = await client.plan(request, { signal: shell.signal });
        try {
          await confirmHere(session, client, plan, options.yes === true);
        } catch (error) {
          // Nobody said yes: the plan should not lie about until it expires.
          await client.cancel(plan.task_id).catch(() => undefined);
          throw error;
        }
        const started = await client.execute({ task_id: plan.task_id });
        if (started.status === "awaiting_confirmation") noteWaiting(session, plan);
        const task = await followTask(session, client, plan.task_id, options.timeout);
        await printOutcome(session.output, client, task);
        return exitOfStatus(task.status);
      }),
    );
}

const examples = (program: string) => `
Examples:
  ${program} run fs.list path=/tmp
  ${program} run fs.write path=/tmp/note.txt content=@note.txt
  ${program} run fs.read path=/tmp/note.txt > note.txt
  ${program} run shell.run command=ls command=-l
  ${program} run mouse.click coordinates.x=10 coordinates.y=20
  ${program} run --file plan.json`;

/** Gets the yes that can be given here; throws where it was refused. */
async function confirmHere(
  session: Session,
  _client: GatewayClient,
  plan: PlanView,
  yes: boolean,
): Promise<void> {
  const approver = plan.confirmation.mode === "approver" ? session.approverAtHand() : undefined;
  if (approver !== undefined && !yes) return approveHere(session, approver, plan);
  if (plan.confirmation.mode === "client" && !yes) {
    const answer = await askOnTerminal(session.shell, plan, "Execute this?");
    if (answer === "yes") return;
    throw answer === "no" ? declined() : noTerminal("Say --yes to execute without being asked.");
  }
  const canvas = { paint: session.output.notePaint, width: widthOf(session.shell.stderr) };
  session.output.note(...renderPlan(plan, canvas, Date.now()), "");
}

/** The approver's secret is at hand: this person decides, on what an approver is shown. */
async function approveHere(
  session: Session,
  approver: GatewayClient,
  plan: PlanView,
): Promise<void> {
  const shown = await approver.task(plan.task_id);
  const answer = await askOnTerminal(session.shell, shown, "Approve and execute this?");
  if (answer === "no terminal") {
    throw noTerminal("With --yes the task waits for an approver elsewhere.");
  }
  if (answer === "no") throw declined();
  await approver.confirm({
    task_id: shown.task_id,
    plan_digest: shown.plan_digest,
    decision: "approve",
  });
}

function declined(): CliError {
  return new CliError("rejected", "Not confirmed: nothing was executed.");
}

function noTerminal(hint: string): CliError {
  return new CliError("rejected", "There is no terminal to ask on: nothing was executed.", hint);
}

function noteWaiting({ output }: Session, plan: PlanView): void {
  output.note(
    `Waiting for an approver: ${plan.confirmation.url}`,
    `or on the command line: ${output.program} approve ${plan.task_id}`,
  );
}
