import type { Command } from "commander";
import type { Check, Finding } from "../doctor/finding.ts";
import { EXIT } from "../exit-codes.ts";
import { inert, wrapWords } from "../inert-text.ts";
import type { Output } from "../output.ts";
import { inSession } from "../session.ts";
import type { Shell } from "../shell.ts";

export function addDoctorCommand(program: Command, shell: Shell): void {
  program
    .command("doctor")
    .summary("check everything the gateway depends on, and say what to do")
    .description("Checks everything the gateway depends on and says what to do. Changes nothing.")
    .action((_options: unknown, command) =>
      inSession(shell, command, async (session) => {
        const { output } = session;
        const findings: Finding[] = [];
        for (const check of await loadChecks()) {
          for (const finding of await check(session)) {
            findings.push(finding);
            if (!output.json) printFinding(output, finding);
          }
        }
        const faults = findings.filter(({ state }) => state === "fault").length;
        if (output.json) output.document({ ok: faults === 0, findings });
        else output.print("", summary(output, findings));
        return faults === 0 ? EXIT.ok : EXIT.failed;
      }),
    );
}

/** They load the policy and configuration rooms, which no other command should wait for. */
async function loadChecks(): Promise<readonly Check[]> {
  const machine = await import("../doctor/check-machine.ts");
  const { checkInstallation } = await import("../doctor/check-installation.ts");
  const { checkServer } = await import("../doctor/check-server.ts");
  return [
    machine.checkNode,
    machine.checkBubblewrap,
    machine.checkXvfb,
    checkInstallation,
    checkServer,
  ];
}

const MARKS = { ok: ["green", "✔"], warning: ["yellow", "!"], fault: ["red", "✖"] } as const;
const NAME_WIDTH = 18;

function printFinding(output: Output, { name, state, detail, hint }: Finding): void {
  const [style, mark] = MARKS[state];
  const indent = " ".repeat(NAME_WIDTH + 3);
  const [first = "", ...rest] = wrapWords(inert(detail), output.width - indent.length);
  output.print(`${output.paint(style, mark)} ${name.padEnd(NAME_WIDTH)} ${first}`);
  for (const part of rest) output.print(indent + part);
  if (hint === undefined) return;
  for (const part of wrapWords(inert(hint), output.width - indent.length)) {
    output.print(indent + output.paint("dim", part));
  }
}

function summary({ paint }: Output, findings: readonly Finding[]): string {
  const of = (state: Finding["state"]) => findings.filter((one) => one.state === state).length;
  const [faults, warnings] = [of("fault"), of("warning")];
  const counted = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  if (faults === 0 && warnings === 0) return paint("green", "All is well.");
  return `${counted(faults, "fault")}, ${counted(warnings, "warning")}.`;
}
