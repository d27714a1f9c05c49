import { Pool } from "undici";
import { startGateway, startScript } from "../child.ts";
import { median, post } from "../load.ts";
import { type Bench, limitRow } from "../row.ts";

const ROUNDS = 300;
const WARM_UP = 50;

/** One ByteBot action through the gateway, planned and executed, beside the same call to the daemon. */
export const benchByteBot: Bench = async (report) => {
  await using daemon = await startScript("bytebot-daemon.ts");
  await using gateway = await startGateway(undefined, {
    DRIVER: "bytebot",
    BYTEBOT_URL: daemon.url,
    BYTEBOT_API_KEY: "none",
  });
  const pools = [
    new Pool(gateway.url, { connections: 1 }),
    new Pool(daemon.url, { connections: 1 }),
  ];
  const [ours, theirs] = [[] as number[], [] as number[]];
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const through = await time(() => throughGateway(pools[0], round));
    const direct = await time(() => directly(pools[1]));
    if (round < WARM_UP) continue;
    ours.push(through);
    theirs.push(direct);
  }
  await Promise.all(pools.map((pool) => pool.close()));
  const added = median(ours.map((ms, round) => ms - (theirs[round] ?? Number.NaN)));
  const note = `${median(ours).toFixed(1)} ms beside ${median(theirs).toFixed(1)} ms`;
  report(`bytebot: ${note}`);
  return [limitRow("added to one ByteBot action, p50", added, 3, " ms", note)];
};

async function time(action: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await action();
  return performance.now() - begun;
}

async function throughGateway(pool: Pool | undefined, round: number): Promise<void> {
  if (pool === undefined) throw new Error("no pool");
  const steps = [{ action: "screen.cursor", parameters: {} }];
  const planned = await post(pool, "/plan", JSON.stringify({ title: `bench ${round}`, steps }));
  const { task_id } = JSON.parse(planned) as { task_id: string };
  const answer = await post(pool, "/execute?wait=30", JSON.stringify({ task_id }));
  if (!answer.includes('"completed"')) throw new Error(answer);
}

async function directly(pool: Pool | undefined): Promise<void> {
  if (pool === undefined) throw new Error("no pool");
  const answer = await pool.request({
    method: "POST",
    path: "/computer-use",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ action: "cursor_position" }),
  });
  if (answer.statusCode !== 201) throw new Error(`the daemon answered ${answer.statusCode}`);
  await answer.body.json();
}
