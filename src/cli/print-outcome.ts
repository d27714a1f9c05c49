import type { ExecuteView, GatewayClient } from "../client/client.ts";
import type { PlanRequest } from "../contract/requests.ts";
import type { ArtifactView, TaskError, TaskStatus, TaskView } from "../contract/task.ts";
import { makeVisible } from "../lib/inert.ts";
import { inert } from "./inert-text.ts";
import type { Output } from "./output.ts";
import { durationText } from "./render-plan.ts";
import { renderField } from "./render-value.ts";

/** What of a finished task is shown. */
type Outcome = Pick<TaskView, "task_id" | "status" | "error"> &
  Partial<Pick<TaskView, "result" | "artifacts" | "rejection" | "started_at" | "finished_at">> &
  Partial<Pick<ExecuteView, "message">>;

/**
 * A task's outcome: the result to stdout, the rest to stderr. What a program reads from a pipe are
 * a text's own bytes; a person gets them inert.
 */
export async function printOutcome(
  output: Output,
  client: GatewayClient,
  task: Outcome,
): Promise<void> {
  if (output.json) return output.document(task);
  const steps = stepsOf(task.result);
  for (const [index, result] of steps.entries()) {
    if (steps.length > 1) output.note(output.notePaint("bold", `Step ${index + 1}`));
    await printResult(output, client, result, (task.artifacts ?? []).filter(ofStep(index)));
  }
  output.note(statusLine(output, task));
  if (task.error !== null && task.error !== undefined) printError(output, task.error);
  if (task.rejection?.proposal !== undefined) printProposal(output, task.rejection.proposal);
}

function ofStep(index: number): (artifact: ArtifactView) => boolean {
  return ({ step }) => step === index;
}

function stepsOf(result: Outcome["result"]): Record<string, unknown>[] {
  if (result === null || result === undefined) return [];
  return Array.isArray(result.steps) ? result.steps.filter(isRecord) : [result];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function printResult(
  output: Output,
  client: GatewayClient,
  result: Record<string, unknown>,
  artifacts: readonly ArtifactView[],
): Promise<void> {
  const { content, encoding, stdout, stderr, entries, ...rest } = result;
  if (typeof content === "string") await printText(output, content, encoding);
  else if (content === null && artifacts[0] !== undefined && !output.onTerminal) {
    const artifact = await client.artifact(artifacts[0].id);
    for await (const chunk of artifact.stream) await output.raw(chunk);
  } else if (Array.isArray(entries)) printEntries(output, entries.filter(isRecord));
  else if (typeof stdout === "string") {
    await printText(output, stdout, "utf8");
    if (typeof stderr === "string" && stderr !== "") {
      output.note(makeVisible(stderr.replace(/\n$/, ""), { multiline: true }));
    }
    if (typeof result.exit_code === "number" && result.exit_code !== 0) {
      output.note(`exit code ${result.exit_code}`);
    }
  } else {
    for (const [name, value] of Object.entries(rest)) {
      output.print(...renderField(name, value, "", output));
    }
  }
  for (const { id, name, media_type, size } of artifacts) {
    const file = `${inert(name)}, ${inert(media_type)}, ${sizeText(size)}`;
    output.note(`artifact ${file}: ${output.program} artifact ${id} --output FILE`);
  }
}

async function printText(output: Output, text: string, encoding: unknown): Promise<void> {
  const bytes = encoding === "base64" ? Buffer.from(text, "base64") : undefined;
  if (!output.onTerminal) await output.raw(bytes ?? text);
  else if (bytes !== undefined) {
    output.note(`${sizeText(bytes.length)} that are no text: redirect the output to keep them`);
  } else if (text !== "") {
    output.print(makeVisible(text.replace(/\n$/, ""), { multiline: true }));
  }
}

function printEntries(output: Output, entries: readonly Record<string, unknown>[]): void {
  for (const { name, type, size, modified } of entries) {
    const mark = type === "directory" ? "/" : "";
    const room = typeof size === "number" ? sizeText(size) : "";
    output.print(
      [
        room.padStart(9),
        String(modified ?? "")
          .slice(0, 16)
          .replace("T", " ")
          .padEnd(16),
        output.paint(type === "directory" ? "blue" : "reset", `${inert(String(name))}${mark}`),
      ].join("  "),
    );
  }
}

const STATUS_MARKS: Readonly<
  Partial<Record<TaskStatus, readonly ["green" | "red" | "yellow", string]>>
> = {
  completed: ["green", "✔"],
  failed: ["red", "✖"],
  rejected: ["red", "✖"],
  interrupted: ["red", "✖"],
  expired: ["yellow", "✖"],
  cancelled: ["yellow", "✖"],
};

/** `✔ completed in 0.4 s`. */
function statusLine(output: Output, task: Outcome): string {
  const [style, mark] = STATUS_MARKS[task.status] ?? (["yellow", "…"] as const);
  const { started_at: start, finished_at: end, rejection } = task;
  const seconds = start && end ? (Date.parse(end) - Date.parse(start)) / 1000 : undefined;
  const took =
    seconds === undefined
      ? ""
      : ` in ${seconds < 10 ? `${seconds.toFixed(1)} s` : durationText(seconds)}`;
  const by = rejection === undefined ? "" : ` by ${inert(rejection.key_id)}`;
  const why = rejection?.reason === undefined ? "" : `: ${inert(rejection.reason)}`;
  return `${output.notePaint(style, `${mark} ${task.status}`)}${took}${by}${why}`;
}

function printError(output: Output, error: TaskError): void {
  const step = error.step === undefined ? "" : ` (step ${error.step + 1})`;
  output.note(`  ${inert(error.code)}${step}: ${inert(error.detail)}`);
  if (error.hint !== undefined) output.note(`  ${output.notePaint("dim", inert(error.hint))}`);
}

/** What the approver would have instead, as the file that `run --file` takes. */
function printProposal(output: Output, proposal: PlanRequest): void {
  output.note("  Proposed instead; kept in a file, `run --file` plans it:");
  output.note(makeVisible(JSON.stringify(proposal, null, 2), { multiline: true }));
}

/** `812 B`, `1.4 KB`, `12 MB`. */
export function sizeText(bytes: number): string {
  const unit = ["B", "KB", "MB", "GB", "TB"] as const;
  const power = Math.min(unit.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value >= 10 || power === 0 ? Math.round(value) : value.toFixed(1)} ${unit[power]}`;
}
