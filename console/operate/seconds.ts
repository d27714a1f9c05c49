import { duration } from "../parts/time.tsx";

/** Seconds as a person reads them; tenths below ten. */
export function seconds(value: number | undefined): string {
  if (value === undefined) return "–";
  return value < 10 ? `${Math.round(value * 10) / 10} s` : duration(Math.round(value));
}
