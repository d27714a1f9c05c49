import type { Command } from "commander";
import type { EndpointView, FailedDelivery, WebhookList } from "../../contract/webhook.ts";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";
import { inert } from "../inert-text.ts";
import type { Output } from "../output.ts";
import { inSession } from "../session.ts";
import type { Shell } from "../shell.ts";

/** `webhooks`: who is notified, and what could not be delivered. */
export function addWebhookCommands(program: Command, shell: Shell): void {
  const webhooks = program
    .command("webhooks")
    .summary("list who is notified and what failed, send it again")
    .description("Who is notified that a task waits or has ended. Asks the running gateway.");

  webhooks
    .command("list", { isDefault: true })
    .description("Lists endpoints and failed notifications.")
    .action((_options: unknown, command) =>
      inSession(shell, command, async (session) => {
        const list = await session.client("approver").webhooks({ signal: shell.signal });
        if (session.output.json) session.output.document(list);
        else printList(session.output, list);
        return EXIT.ok;
      }),
    );

  webhooks
    .command("retry")
    .description("Sends a failed notification again, with the same webhook id.")
    .argument("[id]", "as the list names it: msg_…")
    .option("--all", "every one whose endpoint is still configured")
    .action((id: string | undefined, options: { all?: boolean }, command) =>
      inSession(shell, command, async (session) => {
        if ((id === undefined) === (options.all !== true)) {
          throw new CliError("usage", "Name one failed notification, or say --all.");
        }
        const { retried } = await session.client("approver").retryWebhooks(id);
        const { output } = session;
        if (output.json) output.document({ retried });
        else output.print(`${counted(retried, "notification")} on the way again.`);
        return EXIT.ok;
      }),
    );
}

function printList(output: Output, { endpoints, failed, problem }: WebhookList): void {
  if (problem !== undefined) output.note(inert(problem));
  if (endpoints.length === 0) output.print("Nobody is notified: there is no config/webhooks.json.");
  for (const endpoint of endpoints) printEndpoint(output, endpoint);
  if (failed.length === 0) return;
  output.print("", output.paint("bold", `${counted(failed.length, "notification")} failed:`));
  for (const delivery of failed) printFailed(output, delivery);
  output.note(`Send one again: ${output.program} webhooks retry ID`);
}

const MARKS = { ready: ["green", "✔"], retrying: ["yellow", "!"], gone: ["red", "✖"] } as const;

function printEndpoint(output: Output, endpoint: EndpointView): void {
  const [style, mark] = MARKS[endpoint.state];
  const { id, format, host, waiting, problem } = endpoint;
  const parts = [
    `${format} at ${inert(host)}`,
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
    ...(problem === undefined ? [] : [inert(problem)]),
    ...(endpoint.next_attempt_at === undefined ? [] : [`next at ${endpoint.next_attempt_at}`]),
  ];
  output.print(`${output.paint(style, mark)} ${inert(id)}  ${parts.join(", ")}`);
}

function printFailed(output: Output, delivery: FailedDelivery): void {
  const { id, endpoint, type, task_id, attempts, failed_at, problem } = delivery;
  output.print(
    `${inert(id)}  ${inert(endpoint)}  ${type} of ${inert(task_id)}`,
    output.paint("dim", `  ${failed_at}, ${counted(attempts, "attempt")}: ${inert(problem)}`),
  );
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
