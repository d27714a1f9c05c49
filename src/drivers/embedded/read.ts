import type { Parameters } from "../../contract/task.ts";
import type { StepIo } from "../../tasks/driver.ts";
import { readSource } from "../files/read-source.ts";
import { throwIfAborted } from "../step/aborted.ts";
import { text } from "../step/parameter.ts";
import type { Confinement } from "./confined-path.ts";
import { chunksOf, readStretch, sizeOf } from "./file-bytes.ts";
import { openTarget } from "./open-target.ts";

/**
 * `fs.read`, as `readSource` answers it.
 *
 * Throws besides `file_not_found`, `not_a_file`, `path_not_allowed`.
 */
export async function readFile(
  confinement: Confinement,
  parameters: Parameters,
  io: StepIo,
): Promise<Record<string, unknown>> {
  throwIfAborted(io.signal);
  using file = openTarget(confinement, text(parameters, "path"));
  const source = {
    size: sizeOf(file),
    stretch: (start: number, end: number) => readStretch(file, start, end),
    chunks: (start: number, end: number, signal: AbortSignal) => chunksOf(file, start, end, signal),
  };
  return await readSource(source, parameters, io);
}
