import { Command } from "commander";
import { addAgentCommands } from "./commands/agent.ts";
import { addAuditCommands } from "./commands/audit.ts";
import { addBackupCommands } from "./commands/backup.ts";
import { addDecisionCommands } from "./commands/decide.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addGrantCommands } from "./commands/grants.ts";
import { addMcpCommand } from "./commands/mcp.ts";
import { addPeopleCommands } from "./commands/people.ts";
import { addPlanCommand } from "./commands/plan.ts";
import { addPolicyCommands } from "./commands/policy.ts";
import { addRunCommand } from "./commands/run.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addStopCommands } from "./commands/stop.ts";
import { addTaskCommands } from "./commands/task.ts";
import { addWatchCommand } from "./commands/watch.ts";
import { addWebhookCommands } from "./commands/webhooks.ts";
import { EXIT, EXIT_MEANINGS, type ExitName } from "./exit-codes.ts";
import { wrapWords } from "./inert-text.ts";
import { programOf } from "./output.ts";
import { type Paint, paintFor, type Shell, widthOf } from "./shell.ts";

/** The whole command line. Parsing it throws CommanderError in place of ending the process. */
export function buildProgram(shell: Shell, version: string): Command {
  const paint = paintFor(shell.stdout, shell.env);
  const program = new Command(programOf(shell.env));
  program
    .description("Plan, confirm, execute: the gateway between chat models and a desktop.")
    .version(version, "-V, --version")
    .option("--json", "print JSON: one document, or a line each for a stream")
    .option("--url <url>", "the gateway (else GATEWAY_URL, else HOST and PORT of ./.env)")
    .option("--key-id <id>", "the key to sign with (its secret in GATEWAY_SECRET)")
    .configureOutput({
      writeOut: (text) => shell.stdout.write(text),
      writeErr: (text) => shell.stderr.write(text),
      outputError: (text, write) => write(withoutSuggestingStop(text)),
      getOutHelpWidth: () => shell.stdout.columns ?? 80,
      getErrHelpWidth: () => shell.stderr.columns ?? 80,
      getOutHasColors: () => true,
      getErrHasColors: () => true,
      stripColor: (text) => text,
    })
    .configureHelp({ showGlobalOptions: true, minWidthToWrap: 20, ...stylesOf(paint) })
    .showHelpAfterError("(--help says more)")
    .exitOverride()
    .addHelpText("after", () => afterHelp(widthOf(shell.stdout)));

  program.commandsGroup("Tasks:");
  addRunCommand(program, shell);
  addPlanCommand(program, shell);
  addTaskCommands(program, shell);
  addWatchCommand(program, shell);
  program.commandsGroup("Approving:");
  addDecisionCommands(program, shell);
  addAgentCommands(program, shell);
  addStopCommands(program, shell);
  program.commandsGroup("Operating:");
  addServeCommand(program, shell);
  addMcpCommand(program, shell);
  addPolicyCommands(program, shell);
  addAuditCommands(program, shell);
  addBackupCommands(program, shell);
  addPeopleCommands(program, shell);
  addGrantCommands(program, shell);
  addWebhookCommands(program, shell);
  addDoctorCommand(program, shell);
  return program;
}

function stylesOf(paint: Paint) {
  return {
    styleTitle: (text: string) => paint("bold", text),
    styleSubcommandText: (text: string) => paint("cyan", text),
    styleOptionText: (text: string) => paint("cyan", text),
    styleArgumentText: (text: string) => paint("cyan", text),
  };
}

const SECRETS_HELP =
  "Secrets come from the environment, then from .env in the current folder: SHARED_SECRET to plan " +
  "and execute; APPROVER_SECRET, APPROVER_SECRET_FILE or ./approver.key to decide. NAME_FILE names " +
  "a file.";

function afterHelp(width: number): string {
  const codes = Object.entries(EXIT_MEANINGS).flatMap(([name, meaning]) => {
    const [first = "", ...rest] = wrapWords(meaning, width - 7);
    const code = String(EXIT[name as ExitName]).padStart(3);
    return [`  ${code}  ${first}`, ...rest.map((line) => `       ${line}`)];
  });
  return ["", ...wrapWords(SECRETS_HELP, width), "", "Exit codes:", ...codes].join("\n");
}

/** Ending everything is nothing to be proposed to whoever mistyped another word. */
function withoutSuggestingStop(text: string): string {
  return text.replace(/\n\(Did you mean (?:one of )?([^?]*)\?\)/, (_, list: string) => {
    const names = list.split(", ").filter((name) => name !== "stop");
    if (names.length === 0) return "";
    return `\n(Did you mean ${names.length > 1 ? "one of " : ""}${names.join(", ")}?)`;
  });
}
