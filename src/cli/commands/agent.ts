import type { Command } from "commander";
import type { GatewayClient } from "../../client/client.ts";
import type { TaskView } from "../../contract/task.ts";
import { EXIT } from "../exit-codes.ts";
import { inSession } from "../session.ts";
import type { Shell } from "../shell.ts";

/** `tell`, `takeover` and `give-back`: what a person says to the agent that works on a task. */
export function addAgentCommands(program: Command, shell: Shell): void {
  program
    .command("tell")
    .argument("<task>", "its id")
    .argument("<message...>", "what to say")
    .summary("tell the agent something, or answer its question")
    .description("Sends a message to the agent that works on a task.")
    .action((taskId: string, words: string[], _options, command) =>
      send(shell, command, "Told.", (client) => client.sendMessage(taskId, words.join(" "))),
    );

  program
    .command("takeover")
    .argument("<task>", "its id")
    .summary("take the desktop from the agent")
    .description("The agent can do nothing until the desktop is given back.")
    .action((taskId: string, _options, command) =>
      send(shell, command, "The desktop is yours.", (client) => client.takeOver(taskId)),
    );

  program
    .command("give-back")
    .argument("<task>", "its id")
    .summary("give the desktop back to the agent")
    .description("The agent goes on with its task.")
    .action((taskId: string, _options, command) =>
      send(shell, command, "The agent goes on.", (client) => client.giveBack(taskId)),
    );
}

function send(
  shell: Shell,
  command: Command,
  done: string,
  call: (client: GatewayClient) => Promise<TaskView>,
): Promise<void> {
  return inSession(shell, command, async (session) => {
    const task = await call(session.client("approver"));
    if (session.output.json) session.output.document(task);
    else session.output.print(done);
    return EXIT.ok;
  });
}
