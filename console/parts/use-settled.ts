import { useEffect, useState } from "react";

/** Whether `value` has been the same for so long, in ms. */
export function useSettled(value: string, ms: number): boolean {
  const [settled, setSettled] = useState<string>();
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled === value;
}
