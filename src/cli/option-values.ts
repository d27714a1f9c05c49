import { InvalidArgumentError } from "commander";

/** Readers of option values, for commander: it names the option and the reason. */
export function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= 86_400) return value;
  throw new InvalidArgumentError("It takes seconds, up to 86400.");
}

export function count(text: string): number {
  const value = Number(text);
  if (/^\d{1,15}$/.test(text)) return value;
  throw new InvalidArgumentError("It takes a whole number.");
}
