import type { PlanView, TaskView } from "../contract/task.ts";
import { inert } from "./inert-text.ts";
import { programOf } from "./output.ts";
import { renderPlan } from "./render-plan.ts";
import type { Shell } from "./shell.ts";
import { Terminal } from "./terminal.ts";

export type Answer = "yes" | "no" | "no terminal";

/**
 * Shows the whole plan on the terminal itself and asks whether to go on. `yes` takes a typed word,
 * never a single key: for a high risk the name of the riskiest action, so that it was read.
 * `question` says what the answer will do.
 */
export async function askOnTerminal(
  shell: Shell,
  plan: PlanView | TaskView,
  question: string,
): Promise<Answer> {
  const terminal = Terminal.open(shell.env);
  if (terminal === undefined) return "no terminal";
  using open = terminal;
  const { paint, width } = open;
  const canvas = { paint, width, program: programOf(shell.env) };
  const word = inert(wordFor(plan));
  const seen = await open.show(["", ...renderPlan(plan, canvas, Date.now()), ""]);
  if (!seen) return "no";
  const prompt = `${paint("bold", question)} Type ${paint(["bold", "yellow"], word)} to go on, anything else to stop`;
  return (await open.ask(prompt)) === word ? "yes" : "no";
}

function wordFor(plan: PlanView | TaskView): string {
  if (plan.estimated_risk !== "high") return "yes";
  return plan.steps.find((step) => step.risk === "high")?.action ?? plan.action;
}
