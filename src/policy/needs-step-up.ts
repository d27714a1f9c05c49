import { type Policy, RISK_LEVELS, type RiskLevel } from "../contract/policy.ts";

/** Whether a person's approval at this risk takes a fresh touch of their passkey. */
export function needsStepUp({ passkey }: Pick<Policy, "passkey">, risk: RiskLevel): boolean {
  return passkey !== "never" && RISK_LEVELS.indexOf(risk) >= RISK_LEVELS.indexOf(passkey);
}
