import type { Command } from "commander";

export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .summary("start the gateway here, until a signal")
    .description(
      "Starts the gateway with the configuration of the environment, ./.env and CONFIG_DIR, and\n" +
        "runs until SIGTERM or Ctrl-C.",
    )
    .action(async () => {
      // The service is large: no other command should pay for loading it.
      const { main } = await import("../../main.ts");
      await main();
    });
}
