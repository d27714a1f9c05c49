import { setTimeout as pause } from "node:timers/promises";
import { Pool } from "undici";
import { type Child, startGateway, startScript } from "../child.ts";
import { median, post } from "../load.ts";
import { type Bench, limitRow, ratioRow } from "../row.ts";
import { planBody } from "../signing.ts";
import { Subscribers } from "../subscribers.ts";

const SUBSCRIBERS = 1000;
const EVENTS = 400;
const CONNECTIONS = 8;
const ROUNDS = 7;

/** Events to a thousand subscribers, beside a bare loop of res.write; what a subscriber costs. */
export const benchEvents: Bench = async (report) => {
  await using gateway = await startGateway();
  await using bare = await startScript("bare-server.ts", "%/bare.db");
  using ours = new Subscribers();
  using theirs = new Subscribers();
  await publish(gateway, 200);
  await publish(bare, 200);
  await pause(2000);
  const before = await gateway.memory();
  await ours.open(gateway.url, SUBSCRIBERS);
  await pause(2000);
  const perConnection = (await gateway.memory()) - before;
  await theirs.open(bare.url, SUBSCRIBERS);

  const rates = { ours: [] as number[], theirs: [] as number[], stalled: [] as number[] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    const [a, b] = [await rate(gateway, ours), await rate(bare, theirs)];
    using _ = await ours.openStalled(gateway.url);
    const c = await rate(gateway, ours);
    if (round === 0) continue;
    rates.ours.push(a);
    rates.theirs.push(b);
    rates.stalled.push(c);
    report(`events ${round}/${ROUNDS}: ${Math.round(a)}/s beside ${Math.round(b)}/s`);
  }

  const ratio = median(
    rates.ours.map((value, round) => value / (rates.theirs[round] ?? Number.NaN)),
  );
  const shown = (values: number[]) => `${Math.round(median(values))}/s`;
  return [
    ratioRow(
      "events to 1,000 subscribers",
      ratio,
      0.9,
      `${shown(rates.ours)} beside ${shown(rates.theirs)}`,
    ),
    ratioRow(
      "the same with one stalled subscriber",
      median(rates.stalled.map((value, round) => value / (rates.ours[round] ?? Number.NaN))),
      0.9,
      `${shown(rates.stalled)} beside ${shown(rates.ours)}`,
    ),
    limitRow("memory of a subscriber", perConnection / SUBSCRIBERS / 1024, 25, " KB"),
  ];
};

/** Events a second that reached every subscriber. */
async function rate(server: Child, subscribers: Subscribers): Promise<number> {
  const begun = performance.now();
  const received = subscribers.receive(EVENTS * SUBSCRIBERS);
  await publish(server, EVENTS);
  await received;
  return EVENTS / ((performance.now() - begun) / 1000);
}

async function publish(server: Child, events: number): Promise<void> {
  const pool = new Pool(server.url, { connections: CONNECTIONS, pipelining: 1 });
  let left = events;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await post(pool, "/plan", planBody());
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  await pool.close();
}
