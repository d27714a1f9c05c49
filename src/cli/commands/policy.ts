import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import type { ExplainOptions } from "../explain-action.ts";
import { inert } from "../inert-text.ts";
import { fileReader } from "../read-input.ts";
import { inSession } from "../session.ts";
import type { Shell } from "../shell.ts";

/** `policy check` and `policy explain`: what a policy file says, without a server. */
export function addPolicyCommands(program: Command, shell: Shell): void {
  const policy = program
    .command("policy")
    .summary("check a policy file, or explain a decision")
    .description("What a policy file says, worked out here without a server.");

  policy
    .command("check")
    .description("Checks a policy file: every fault, and what a person should look at.")
    .argument("<file>", "the policy file, - for standard input")
    .action((file: string, _options: unknown, command) =>
      inSession(shell, command, async ({ output }) => {
        // The policy room is large: only these commands load it.
        const { capabilities } = await import("../../capabilities/registry.ts");
        const { checkPolicy } = await import("../../policy/check.ts");
        const { describeProblems } = await import("../../policy/validate-policy.ts");
        const report = checkPolicy(await fileReader(shell)(file), capabilities);
        const { problems, warnings } = report;
        if (output.json) output.document({ file, valid: problems.length === 0, ...report });
        else {
          const mark = (style: "red" | "yellow", text: string) =>
            output.paint([style, "bold"], text);
          for (const line of describeProblems(problems))
            output.print(`${mark("red", "fault")}    ${line}`);
          for (const line of describeProblems(warnings))
            output.print(`${mark("yellow", "warning")}  ${line}`);
          output.print(
            problems.length === 0
              ? `${output.paint("green", "✔")} ${inert(file)} is valid.`
              : `${output.paint("red", "✖")} ${inert(file)} is refused.`,
          );
        }
        return problems.length === 0 ? EXIT.ok : EXIT.failed;
      }),
    );

  policy
    .command("explain")
    .description(
      "Says which rule decides on an action, and what would change it. What depends on the " +
        "desktop, such as overwriting a file, is not looked at.",
    )
    .argument("<action>", "what to do, e.g. fs.write")
    .argument("[parameters...]", "key=value, key:=json, key=@file")
    .option("--policy <file>", "the policy file (else policy.json of CONFIG_DIR, else the default)")
    .option("--as <key>", "the key that asks", "default")
    .action((action: string, words: string[], options: ExplainOptions, command) =>
      inSession(shell, command, async (session) => {
        const { explainAction, printExplanation } = await import("../explain-action.ts");
        const explanation = await explainAction(session, action, words, options);
        if (session.output.json) session.output.document(explanation);
        else printExplanation(session.output, action, explanation);
        return explanation.decision.effect === "deny" ? EXIT.denied : EXIT.ok;
      }),
    );
}
