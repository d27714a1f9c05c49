import type { Command } from "commander";
import type { GrantView } from "../../contract/grant.ts";
import { EXIT } from "../exit-codes.ts";
import { inert } from "../inert-text.ts";
import type { Output } from "../output.ts";
import { inSession } from "../session.ts";
import type { Shell } from "../shell.ts";

/** `grants`: what people allowed for a while, and the end of it. They are given in the console only. */
export function addGrantCommands(program: Command, shell: Shell): void {
  const grants = program
    .command("grants")
    .summary("list what was allowed for a while, revoke it")
    .description("What people in the console allowed beforehand. Asks the running gateway.");

  grants
    .command("list", { isDefault: true })
    .description("Lists the grants that hold.")
    .action((_options: unknown, command) =>
      inSession(shell, command, async (session) => {
        const list = await session.client("approver").grants({ signal: shell.signal });
        const { output } = session;
        if (output.json) output.document(list);
        else if (list.grants.length === 0) output.print("Nothing is allowed beforehand.");
        else for (const grant of list.grants) printGrant(output, grant);
        return EXIT.ok;
      }),
    );

  grants
    .command("revoke")
    .description("Ends a grant at once; what it approved and has not started is cancelled.")
    .argument("<id>", "as the list names it: grant_…")
    .action((id: string, _options: unknown, command) =>
      inSession(shell, command, async (session) => {
        const grant = await session.client("approver").revokeGrant(id);
        const { output } = session;
        if (output.json) output.document(grant);
        else output.print(`Revoked: ${kindOf(grant)}`);
        return EXIT.ok;
      }),
    );
}

function printGrant(output: Output, grant: GrantView): void {
  const { id, granted_by, expires_at, used } = grant;
  const uses = used === 0 ? "not used" : `used ${used} times`;
  output.print(
    `${inert(id)}  ${kindOf(grant)}`,
    output.paint("dim", `  by ${inert(granted_by)} until ${expires_at}, ${uses}`),
  );
}

function kindOf({ action, path_prefix, domain, key_id, desktop }: GrantView): string {
  const where = path_prefix === undefined ? `on ${domain ?? ""}` : `in ${path_prefix}`;
  return `${action} ${inert(where)} for ${inert(key_id)} on ${inert(desktop)}`;
}
