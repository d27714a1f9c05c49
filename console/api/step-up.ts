import { passkeysWork } from "../people/passkeys-work.ts";
import { signWithPasskey } from "./passkeys.ts";
import { isProblem } from "./problem.ts";
import { service } from "./service.ts";

/** Whether the service refused because the sign-in is not of the last minutes. */
export function asksForStepUp(error: unknown): boolean {
  return isProblem(error, "scope_missing") && (error.hint ?? "").includes("/session/step-up");
}

/**
 * Does what takes a fresh sign-in: where that is asked for and there is a passkey, it is touched and
 * the work goes on. Whoever has a password alone is asked by StepUpNote, which shows what this throws.
 */
export async function freshly<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!asksForStepUp(error) || !passkeysWork()) throw error;
    const { passkeys } = await service.session();
    if (passkeys === 0) throw error;
    await service.stepUp({ assertion: await signWithPasskey(await service.passkeyOptions()) });
    return work();
  }
}
