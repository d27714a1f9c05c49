import { startGateway, startScript } from "../child.ts";
import { load, median, post } from "../load.ts";
import { type Bench, ratioRow } from "../row.ts";
import { planBody } from "../signing.ts";

const ROUNDS = 5;
const MILLISECONDS = 3000;
const CONNECTIONS = 64;

/** POST /plan, signed, durable and audited, beside a bare server that does one durable row. */
export const benchPlan: Bench = async (report) => {
  await using gateway = await startGateway();
  await using bare = await startScript("bare-server.ts", "%/bare.db");
  const measure = async (url: string): Promise<number> => {
    const options = { connections: CONNECTIONS, milliseconds: MILLISECONDS };
    const { rate } = await load(
      url,
      options,
      async (pool) => void (await post(pool, "/plan", planBody())),
    );
    return rate;
  };
  await measure(gateway.url);
  await measure(bare.url);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    ours.push(await measure(gateway.url));
    theirs.push(await measure(bare.url));
    report(
      `plan ${round}/${ROUNDS}: ${Math.round(ours.at(-1) ?? 0)}/s beside ${Math.round(theirs.at(-1) ?? 0)}/s`,
    );
  }
  const ratio = median(ours.map((rate, round) => rate / (theirs[round] ?? Number.NaN)));
  const rates = `${Math.round(median(ours))}/s beside ${Math.round(median(theirs))}/s`;
  return [ratioRow("POST /plan, 64 connections", ratio, 0.7, rates)];
};
