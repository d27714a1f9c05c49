import type { Command } from "commander";
import { GatewayClient } from "../client/client.ts";
import { CliError } from "./cli-error.ts";
import { type Credential, type Role, Settings } from "./credentials.ts";
import type { ExitCode } from "./exit-codes.ts";
import { Output } from "./output.ts";
import type { Shell } from "./shell.ts";

/** Options every command has. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly url?: string;
  readonly keyId?: string;
}

/** What a command works with: its output, and clients signed as a requester or an approver. */
export class Session {
  readonly shell: Shell;
  readonly output: Output;
  readonly settings: Settings;
  readonly #options: GlobalOptions;

  constructor(shell: Shell, options: GlobalOptions) {
    this.shell = shell;
    this.output = new Output(shell, options.json === true);
    this.settings = new Settings(shell);
    this.#options = options;
  }

  /** The options every command has, as they were given: words for a command that goes on here. */
  get given(): readonly string[] {
    const { url, keyId } = this.#options;
    return [
      ...(url === undefined ? [] : ["--url", url]),
      ...(keyId === undefined ? [] : ["--key-id", keyId]),
    ];
  }

  get url(): string {
    return this.settings.url(this.#options.url);
  }

  /** `--key-id` names this role's key: the one the command is about. */
  credential(role: Role): Credential | undefined {
    const found = this.settings.credential(role, this.#options.keyId);
    return "secret" in found ? found : undefined;
  }

  /** Throws `unauthorised`, saying where it looked. */
  client(role: Role): GatewayClient {
    const found = this.settings.credential(role, this.#options.keyId);
    if ("secret" in found) return this.#clientOf(found);
    throw new CliError(
      "unauthorised",
      `There is no ${role}'s secret.`,
      adviceFor(role, found.looked),
    );
  }

  /** The approver beside a requester who may also have the approver's secret at hand. */
  approverAtHand(): GatewayClient | undefined {
    const found = this.settings.credential("approver", undefined);
    return "secret" in found ? this.#clientOf(found) : undefined;
  }

  /** A client that proves nothing. */
  anonymous(retries?: number): GatewayClient {
    return new GatewayClient({ url: this.url, retries });
  }

  #clientOf({ keyId, secret }: Credential): GatewayClient {
    return new GatewayClient({ url: this.url, keyId, secret });
  }
}

/** Runs a command's body in a session and keeps its exit code. */
export function inSession(
  shell: Shell,
  command: Command,
  body: (session: Session) => Promise<ExitCode>,
): Promise<void> {
  const session = new Session(shell, command.optsWithGlobals<GlobalOptions>());
  return body(session).then((exit) => {
    shell.exit = exit;
  });
}

function adviceFor(role: Role, looked: readonly string[]): string {
  const places = `Looked for ${looked.join(", ")}.`;
  return role === "approver"
    ? `${places} Approving takes the approver's secret, which the first start wrote to approver.key.`
    : `${places} Run it in the folder of the gateway's .env, or set the variable.`;
}
