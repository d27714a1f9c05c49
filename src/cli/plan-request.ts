import type { GatewayClient } from "../client/client.ts";
import type { PlanRequest } from "../contract/requests.ts";
import { nearest } from "../lib/nearest.ts";
import { CliError } from "./cli-error.ts";
import { type ParameterSchema, parseParameters } from "./parameters.ts";
import { fileReader, readPlanFile } from "./read-input.ts";
import type { Session } from "./session.ts";

/** How `run` and `plan` say what to plan. */
export interface PlanOptions {
  readonly file?: string;
  readonly title?: string;
  readonly desktop?: string;
}

/**
 * The request of `ACTION key=value…`, its values read as the gateway's own schema of the action
 * says, or of `--file`.
 */
export async function planRequest(
  session: Session,
  client: GatewayClient,
  action: string | undefined,
  words: readonly string[],
  options: PlanOptions,
): Promise<PlanRequest> {
  const { title, desktop } = options;
  const more = {
    ...(title === undefined ? {} : { title }),
    ...(desktop === undefined ? {} : { desktop }),
  };
  if (options.file !== undefined) {
    if (action !== undefined) {
      throw new CliError("usage", "Give an action or --file, not both.");
    }
    return { ...(await readPlanFile(session.shell, options.file)), ...more };
  }
  if (action === undefined) {
    throw new CliError(
      "usage",
      "Say which action.",
      "For example: fs.read path=/tmp/test.txt; several steps come from --file plan.json.",
    );
  }
  const { capabilities } = await client.capabilities({ signal: session.shell.signal });
  const capability = Object.hasOwn(capabilities, action) ? capabilities[action] : undefined;
  if (capability === undefined) {
    const [meant] = nearest(action, Object.keys(capabilities));
    throw new CliError(
      "denied",
      `The gateway has no action ${action}.`,
      meant === undefined
        ? `It has: ${Object.keys(capabilities).join(", ")}.`
        : `Did you mean ${meant}?`,
    );
  }
  const schema = capability.parameters as ParameterSchema | undefined;
  const parameters = await parseParameters(action, words, schema, fileReader(session.shell));
  return { action, parameters, ...more };
}
