import type { Parameters } from "../../contract/task.ts";
import type { InspectContext, Inspection, StepIo } from "../../tasks/driver.ts";
import type { PlannedStep } from "../../tasks/task.ts";
import { editRequestOf, fileMissing, requireOneMatch } from "../files/edit-request.ts";
import { holdTo } from "../files/file-state.ts";
import { type Examine, inspectEdit, inspectWrite } from "../files/inspect-change.ts";
import { MatchCounter } from "../files/match-counter.ts";
import { readSource } from "../files/read-source.ts";
import { requireSize } from "../files/require-size.ts";
import { fileExists, writeRequestOf } from "../files/write-request.ts";
import { throwIfAborted } from "../step/aborted.ts";
import { text } from "../step/parameter.ts";
import { requireDaemonPath } from "./daemon-path.ts";
import type { DaemonQueue } from "./daemon-queue.ts";
import { examineFile, examiner, fetchFile, storeFile } from "./remote-file.ts";

type Perform = (
  queue: DaemonQueue,
  step: PlannedStep,
  io: StepIo,
) => Promise<Record<string, unknown>>;
type Inspect = (
  examine: Examine,
  parameters: Parameters,
  maxFileSize: number,
) => Promise<Inspection>;

const ACTIONS: Readonly<Record<string, Perform>> = {
  "fs.read": readFile,
  "fs.write": writeFile,
  "fs.edit": editFile,
};
const INSPECTIONS: Readonly<Record<string, Inspect>> = {
  "fs.write": inspectWrite,
  "fs.edit": inspectEdit,
};

export function isFileAction(action: string): boolean {
  return Object.hasOwn(ACTIONS, action);
}

/** Binds the file's hash and shows the diff; refuses a path that would not be sent. */
export async function inspectFileAction(
  queue: DaemonQueue,
  action: string,
  parameters: Parameters,
  context: InspectContext,
): Promise<Inspection> {
  requireDaemonPath(text(parameters, "path"));
  const inspect = INSPECTIONS[action];
  if (inspect === undefined) return { bound: {}, riskFactors: [] };
  const examine = examiner(queue, context.maxFileSize, context.signal);
  return await inspect(examine, parameters, context.maxFileSize);
}

/** `fs.read`, `fs.write`, `fs.edit`, with the parameters, results and errors they have everywhere. */
export async function performFileAction(
  queue: DaemonQueue,
  step: PlannedStep,
  io: StepIo,
): Promise<Record<string, unknown>> {
  const perform = ACTIONS[step.action];
  if (perform === undefined) throw new Error(`${step.action} is no file action`);
  requireDaemonPath(text(step.parameters, "path"));
  throwIfAborted(io.signal);
  return await perform(queue, step, io);
}

async function readFile(
  queue: DaemonQueue,
  { parameters }: PlannedStep,
  io: StepIo,
): Promise<Record<string, unknown>> {
  const content = await fetchFile(queue, text(parameters, "path"), io.maxFileSize, io.signal);
  const source = {
    size: content.length,
    stretch: (start: number, end: number) => content.subarray(start, end),
    async *chunks(start: number, end: number) {
      yield content.subarray(start, end);
    },
  };
  return await readSource(source, parameters, io);
}

async function writeFile(
  queue: DaemonQueue,
  { parameters, bound }: PlannedStep,
  io: StepIo,
): Promise<Record<string, unknown>> {
  const { path, mode, content } = writeRequestOf(parameters);
  requireSize(content.length, io.maxFileSize, path);
  const target = await examineFile(queue, path, io.maxFileSize, io.signal);
  holdTo(bound, path, target);
  if (mode === "create" && target.content !== undefined) throw fileExists(path);
  const before = mode === "append" ? target.content : undefined;
  const after = Buffer.concat([before ?? Buffer.alloc(0), content]);
  requireSize(after.length, io.maxFileSize, path);
  return await storeFile(queue, path, after, io.signal);
}

async function editFile(
  queue: DaemonQueue,
  { parameters, bound }: PlannedStep,
  io: StepIo,
): Promise<Record<string, unknown>> {
  const { path, oldText, newText } = editRequestOf(parameters);
  const target = await examineFile(queue, path, io.maxFileSize, io.signal);
  holdTo(bound, path, target);
  const { content } = target;
  if (content === undefined) throw fileMissing(path);
  const matches = new MatchCounter(oldText);
  matches.see(content);
  requireOneMatch(path, matches.count);
  const head = content.subarray(0, matches.first);
  const after = Buffer.concat([head, newText, content.subarray(matches.first + oldText.length)]);
  requireSize(after.length, io.maxFileSize, path);
  return await storeFile(queue, path, after, io.signal);
}
