import { Pool } from "undici";
import { startGateway, startScript } from "../child.ts";
import { median, post } from "../load.ts";
import { type Bench, limitRow } from "../row.ts";

const ROUNDS = 30;
const WARM_UP = 3;
const MAX_RATIO = 1.3;

/** The plan of a click on ByteBot's desktop, beside the screenshot that it takes of it. */
export const benchClick: Bench = async (report) => {
  await using daemon = await startScript("bytebot-daemon.ts");
  await using gateway = await startGateway(
    undefined,
    { DRIVER: "bytebot", BYTEBOT_URL: daemon.url, BYTEBOT_API_KEY: "none" },
    { policy: POLICY },
  );
  const ours = new Pool(gateway.url, { connections: 1 });
  const theirs = new Pool(daemon.url, { connections: 1 });
  const times = { plan: [] as number[], screenshot: [] as number[] };
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const coordinates = { x: 100 + round, y: 200 };
    const body = JSON.stringify({ action: "mouse.click", parameters: { coordinates } });
    const plan = await time(() => post(ours, "/plan", body));
    const screenshot = await time(() => takeScreenshot(theirs));
    if (round < WARM_UP) continue;
    times.plan.push(plan);
    times.screenshot.push(screenshot);
  }
  await Promise.all([ours.close(), theirs.close()]);
  const [plan, screenshot] = [median(times.plan), median(times.screenshot)];
  const note = `${plan.toFixed(0)} ms beside ${screenshot.toFixed(0)} ms`;
  report(`click: ${note}`);
  const what = "the plan of a click, of its screenshot on ByteBot";
  return [limitRow(what, plan / screenshot, MAX_RATIO, "×", note)];
};

async function takeScreenshot(pool: Pool): Promise<void> {
  const answer = await pool.request({
    method: "POST",
    path: "/computer-use",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ action: "screenshot" }),
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 201)
    throw new Error(`the daemon answered ${answer.statusCode}: ${text}`);
}

async function time(action: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await action();
  return performance.now() - begun;
}

const POLICY = {
  capabilities: {
    "mouse.click": { enabled: true, risk_level: "medium" },
    "screen.capture": { enabled: true, risk_level: "low" },
  },
  security: { rate_limit_per_minute: 10_000_000, max_queued_tasks: 100_000 },
};
