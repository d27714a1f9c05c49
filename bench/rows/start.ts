import { startGateway, startScript } from "../child.ts";
import { median } from "../load.ts";
import { type Bench, limitRow } from "../row.ts";

const ROUNDS = 9;

/** From spawn to the first healthy answer, beside a bare Fastify with the same plug-ins. */
export const benchStart: Bench = async (report) => {
  const ours: number[] = [];
  const theirs: number[] = [];
  const time = async (start: typeof startGateway): Promise<number> => {
    const begun = performance.now();
    await using child = await start();
    const answer = await fetch(`${child.url}/health`);
    if (!answer.ok) throw new Error(`not healthy: ${answer.status}`);
    return (performance.now() - begun) / 1000;
  };
  for (let round = 0; round <= ROUNDS; round += 1) {
    const [gateway, bare] = [
      await time(startGateway),
      await time(() => startScript("bare-fastify.ts")),
    ];
    // The first warms the file cache.
    if (round === 0) continue;
    ours.push(gateway);
    theirs.push(bare);
    report(`start ${round}/${ROUNDS}: ${gateway.toFixed(3)} s beside ${bare.toFixed(3)} s`);
  }
  const ratio = median(ours.map((seconds, round) => seconds / (theirs[round] ?? Number.NaN)));
  const note = `${median(ours).toFixed(2)} s beside ${median(theirs).toFixed(2)} s`;
  return [
    limitRow("start, as a multiple of bare Fastify", ratio, 1.3, "×", note),
    limitRow("start to first healthy answer", median(ours), 0.6, " s"),
  ];
};
