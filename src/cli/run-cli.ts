import { CommanderError } from "commander";
import { GatewayRequestError } from "../client/client.ts";
import { StartupError } from "../config/config.ts";
import { GatewayError, isErrorCode } from "../contract/errors.ts";
import { toSourceStack } from "../lib/source-stack.ts";
import { CliError } from "./cli-error.ts";
import { EXIT, type ExitCode, exitOfError } from "./exit-codes.ts";
import { Output } from "./output.ts";
import { buildProgram } from "./program.ts";
import type { Shell } from "./shell.ts";

/** Runs one command line (without node and script). Prints its errors; resolves with how it ends. */
export async function runCli(
  words: readonly string[],
  shell: Shell,
  version: string,
): Promise<ExitCode> {
  try {
    await buildProgram(shell, version).parseAsync(words, { from: "user" });
    return shell.exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const fault = faultOf(error, shell);
    new Output(shell, words.includes("--json")).error(fault);
    return fault.exit;
  }
}

interface Fault {
  readonly code: string;
  readonly detail: string;
  readonly hint?: string | undefined;
  readonly exit: ExitCode;
}

function faultOf(error: unknown, shell: Shell): Fault {
  if (error instanceof CliError) return error;
  if (shell.signal.aborted) {
    return { code: "interrupted", detail: "Interrupted.", exit: EXIT.interrupted };
  }
  if (error instanceof GatewayRequestError) {
    const { code, detail, hint } = error;
    return { code, detail, hint, exit: exitOfError(code) };
  }
  if (error instanceof StartupError) {
    const detail = `${error.variable}: ${error.problem}.`;
    return { code: "configuration", detail, hint: error.hint, exit: EXIT.usage };
  }
  if (error instanceof GatewayError) {
    const { code, detail, extras } = error;
    const exit = isErrorCode(code) ? exitOfError(code) : EXIT.failed;
    return { code, detail, hint: extras.hint, exit };
  }
  if (error instanceof Error && FOR_PERSONS.test(error.name)) {
    return { code: "configuration", detail: error.message, exit: EXIT.usage };
  }
  // A fault of this program: the trace is what a report needs.
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const detail = toSourceStack(stack);
  return { code: "internal_error", detail, exit: EXIT.failed };
}

/** Refusals of other rooms to start, whose classes would have to be loaded to be known. */
const FOR_PERSONS = /^(Policy|Store|Workdir)Error$/;
