import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Pool } from "undici";
import { startGateway, startScript } from "../child.ts";
import { load, median, post } from "../load.ts";
import { type Bench, ratioRow } from "../row.ts";
import { planBody } from "../signing.ts";

const ROUNDS = 5;
const MILLISECONDS = 3000;
const CONNECTIONS = 16;

/** plan → execute → finished of a small fs.read, beside three commits on the bare server. */
export const benchCycle: Bench = async (report) => {
  await using gateway = await startGateway();
  await using bare = await startScript("bare-server.ts", "%/bare.db");
  await mkdir(join(gateway.folder, "work/tmp"), { recursive: true });
  await writeFile(join(gateway.folder, "work/tmp/test.txt"), "hello");
  const options = { connections: CONNECTIONS, milliseconds: MILLISECONDS };
  const measureGateway = async () => (await load(gateway.url, options, runTask)).rate;
  const measureBare = async () => (await load(bare.url, options, threeCommits)).rate;
  await measureGateway();
  await measureBare();
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    ours.push(await measureGateway());
    theirs.push(await measureBare());
    report(
      `cycle ${round}/${ROUNDS}: ${Math.round(ours.at(-1) ?? 0)}/s beside ${Math.round(theirs.at(-1) ?? 0)}/s`,
    );
  }
  const ratio = median(ours.map((rate, round) => rate / (theirs[round] ?? Number.NaN)));
  const rates = `${Math.round(median(ours))}/s beside ${Math.round(median(theirs))}/s`;
  return [ratioRow("plan → execute → finished, 16 connections", ratio, 0.3, rates)];
};

/** One whole task; throws where it did not read the file. */
export async function runTask(pool: Pool): Promise<void> {
  const { task_id } = JSON.parse(await post(pool, "/plan", planBody())) as { task_id: string };
  const answer = await post(pool, "/execute?wait=30", JSON.stringify({ task_id }));
  if (!answer.includes('"content":"hello"')) throw new Error(answer);
}

async function threeCommits(pool: Pool): Promise<void> {
  for (let commit = 0; commit < 3; commit += 1) await post(pool, "/", planBody());
}
