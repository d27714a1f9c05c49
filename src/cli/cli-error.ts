import { EXIT, type ExitCode, type ExitName } from "./exit-codes.ts";

/** A command that cannot go on, for a reason of its own. Printed without a stack trace. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exit: ExitCode;
  /** The exit's name: what `--json` calls the error. */
  readonly code: ExitName;
  /** What to do. */
  readonly hint: string | undefined;

  constructor(code: ExitName, detail: string, hint?: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
    this.exit = EXIT[code];
    this.hint = hint;
  }

  get detail(): string {
    return this.message;
  }
}
