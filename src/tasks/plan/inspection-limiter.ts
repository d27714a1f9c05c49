import { GatewayError } from "../../contract/errors.ts";

/** Plans of one key that may look at a screen at the same time: pictures are large. */
const MAX_INSPECTIONS = 4;

/** Counts who looks at a screen while a plan is made, so that no key keeps the others from it. */
export class InspectionLimiter {
  readonly #taken = new Map<string, number>();

  /** Taken until disposed. Throws `rate_limited` where the key has all of its places. */
  take(keyId: string): Disposable {
    const taken = this.#taken.get(keyId) ?? 0;
    if (taken >= MAX_INSPECTIONS) {
      throw new GatewayError(
        "rate_limited",
        `Key ${keyId} has ${MAX_INSPECTIONS} plans that look at the screen already.`,
        { hint: "Wait for their answers, then plan the next.", retry_after: 1 },
      );
    }
    this.#taken.set(keyId, taken + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#taken.get(keyId) ?? 1) - 1;
        if (left > 0) this.#taken.set(keyId, left);
        else this.#taken.delete(keyId);
      },
    };
  }
}
