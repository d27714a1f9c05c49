import type { Parameters } from "../../contract/task.ts";
import type { StepIo } from "../../tasks/driver.ts";
import { integer } from "./parameter.ts";
import { pause } from "./pause.ts";

/** ms between two progress reports. */
const TICK = 1000;

/** `wait`: lets `duration_ms` pass, reporting how much has. */
export async function wait(parameters: Parameters, io: StepIo): Promise<Record<string, unknown>> {
  const duration = integer(parameters, "duration_ms") ?? 0;
  for (let passed = 0; passed < duration; ) {
    const tick = Math.min(TICK, duration - passed);
    await pause(tick, io.signal);
    passed += tick;
    if (passed < duration) io.progress(passed / duration, `Waited ${passed} of ${duration} ms`);
  }
  return {};
}
