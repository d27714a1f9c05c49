import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { type PlanOptions, planRequest } from "../plan-request.ts";
import { renderPlan } from "../render-plan.ts";
import { inSession } from "../session.ts";
import type { Shell } from "../shell.ts";

interface PlanCommandOptions extends PlanOptions {
  readonly idempotencyKey?: string;
}

export function addPlanCommand(program: Command, shell: Shell): void {
  program
    .command("plan")
    .summary("plan an action and show it; nothing runs")
    .description("Plans an action, or several steps, and shows what would happen. Nothing runs.")
    .argument("[action]", "what to do, e.g. fs.read")
    .argument("[parameters...]", "key=value, key:=json, key=@file")
    .option("-f, --file <file>", "plan of several steps as JSON, - for standard input")
    .option("--title <title>", "what the plan is called")
    .option("--desktop <name>", "the desktop to work on")
    .option("--idempotency-key <key>", "the same key and plan give the same task")
    .action((action: string | undefined, words: string[], options: PlanCommandOptions, command) =>
      inSession(shell, command, async (session) => {
        const { output } = session;
        const client = session.client("requester");
        const request = await planRequest(session, client, action, words, options);
        const plan = await client.plan(request, {
          signal: shell.signal,
          idempotencyKey: options.idempotencyKey,
        });
        if (output.json) output.document(plan);
        else output.print(...renderPlan(plan, output, Date.now()));
        if (plan.confirmation.mode === "approver") {
          output.note("", `An approver decides: ${output.program} approve ${plan.task_id}`);
        }
        output.note("", `Start it: ${output.program} execute ${plan.task_id}`);
        return EXIT.ok;
      }),
    );
}
