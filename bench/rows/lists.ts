import { Pool } from "undici";
import { makeFolder, startGateway } from "../child.ts";
import { median, post } from "../load.ts";
import { type Bench, limitRow, type Row } from "../row.ts";
import { sign } from "../signing.ts";
import { fillPast } from "./growth.ts";

const PAST = 100_000;
const WAITING = 1000;
const ROUNDS = 40;
const WARM_UP = 5;
/** What one request may keep others waiting for. */
const MAX_MS = 50;

const LISTS = {
  "first page of GET /tasks": "/tasks",
  "the inbox": "/tasks?status=awaiting_confirmation",
} as const;

/** The first pages of lists with a thousand tasks that wait and a hundred thousand past. */
export const benchLists: Bench = async (report) => {
  const folder = await makeFolder();
  await fillPast(folder, PAST, report);
  await using gateway = await startGateway(folder, {}, { policy: POLICY });
  const pool = new Pool(gateway.url, { connections: 8, pipelining: 1 });
  for (let made = 0; made < WAITING; made += 1) await planAndExecute(pool, made);
  const rows: Row[] = [];
  for (const [name, target] of Object.entries(LISTS)) {
    const times: number[] = [];
    let bytes = 0;
    for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
      const path = `${target}${target.includes("?") ? "&" : "?"}limit=50`;
      const begun = performance.now();
      const answer = await pool.request({ method: "GET", path, headers: sign(`GET ${path}:`) });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${path} answered ${text}`);
      if (round >= WARM_UP) times.push(performance.now() - begun);
      bytes = text.length;
    }
    const what = `${name}, 1,000 waiting, 100,000 past`;
    rows.push(limitRow(what, median(times), MAX_MS, " ms", `${Math.round(bytes / 1024)} KB`));
    report(`lists: ${name} ${median(times).toFixed(1)} ms`);
  }
  await pool.close();
  return rows;
};

async function planAndExecute(pool: Pool, made: number): Promise<void> {
  const parameters = { path: `/tmp/${made}.txt`, content: "a line of some length\n".repeat(100) };
  const planned = await post(pool, "/plan", JSON.stringify({ action: "fs.write", parameters }));
  const { task_id } = JSON.parse(planned) as { task_id: string };
  await post(pool, "/execute", JSON.stringify({ task_id }), 202);
}

const POLICY = {
  capabilities: { "fs.write": { enabled: true, allowed_paths: ["/tmp"] } },
  security: { rate_limit_per_minute: 10_000_000, max_queued_tasks: 100_000, plan_ttl_s: 3600 },
};
