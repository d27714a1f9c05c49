import { Pool } from "undici";
import { sign } from "./signing.ts";

export interface LoadResult {
  readonly done: number;
  /** per second */
  readonly rate: number;
}

/** Runs `cycle` on `connections` connections for so many ms and counts how often it finished. */
export async function load(
  url: string,
  options: { connections: number; milliseconds: number },
  cycle: (pool: Pool) => Promise<void>,
): Promise<LoadResult> {
  const pool = new Pool(url, { connections: options.connections, pipelining: 1 });
  const started = performance.now();
  const end = started + options.milliseconds;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      await cycle(pool);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: options.connections }, worker));
  const seconds = (performance.now() - started) / 1000;
  await pool.close();
  return { done, rate: done / seconds };
}

/** One signed POST; resolves with the text of the answer, throws on any other status. */
export async function post(pool: Pool, path: string, body: string, status = 200): Promise<string> {
  const answer = await pool.request({ method: "POST", path, headers: sign(body), body });
  const text = await answer.body.text();
  if (answer.statusCode !== status)
    throw new Error(`${path} answered ${answer.statusCode}: ${text}`);
  return text;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}
