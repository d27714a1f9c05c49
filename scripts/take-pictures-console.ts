import type { Locator, Page } from "playwright-core";
import { DEFAULT_POLICY } from "../src/capabilities/default-policy.ts";
import { call } from "../test/support/call.ts";
import { ConsoleBrowser, PHONE, type Seat } from "../test/support/console-browser.ts";
import { approve, execute, plan, planRequest, reject, run } from "../test/support/flow.ts";
import { startGateway } from "../test/support/gateway.ts";
import { serveShop } from "./take-pictures-frames.ts";
import { keepPicture } from "./take-pictures-keep.ts";

/**
 * Takes the console's pictures of docs/pictures: of the built gateway with its own desktop, in real
 * Chromium, as a person with a passkey sees it.
 *
 *     node scripts/take-pictures-console.ts      with Xvfb, openbox, chromium, bubblewrap
 */
const DESK = { width: 1180, height: 800 };
const BUTTON = { x: 292, y: 328 };
const files = { enabled: true, allowed_paths: ["/tmp", "/home/user"] };
const POLICY = {
  ...DEFAULT_POLICY,
  capabilities: {
    ...DEFAULT_POLICY.capabilities,
    "fs.read": { ...files, confirmation: "approver" },
    "shell.run": { enabled: true, risk_level: "high", allowed_commands: ["tar"] },
  },
};
const keys = (id: string) => ({
  id,
  scheme: "bearer" as const,
  scopes: ["plan", "execute", "read"],
});

await using shop = await serveShop();
await using gateway = await startGateway({
  policy: POLICY,
  config: { "desktop.json": { screen: { width: 800, height: 600 } } },
  clients: [keys("chat"), keys("reports")],
});
await using browser = await ConsoleBrowser.open();
await using seat = await browser.sit(gateway, { viewport: DESK, reducedMotion: "reduce" });
const { page } = seat;

await seat.enrol("Anna");
await openShop();
await somePast();
const click = await threePlans();
await takeInbox();
await takePhone();
await takeCardAndTask();
await takeReject();
await takeDesktop();
await takeOperate();
if (seat.complaints.length > 0) throw new Error(seat.complaints.join("\n"));

/** What waits: a command, a click on a page and a file to be read. */
async function threePlans(): Promise<string> {
  const { chat, reports } = gateway.keys;
  const read = { action: "fs.read", parameters: { path: "/home/user/orders.csv" } };
  const capture = { action: "screen.capture", parameters: {} };
  const click = { action: "mouse.click", parameters: { coordinates: BUTTON } };
  const wait = { action: "wait", parameters: { duration_ms: 1000 } };
  const steps = [click, capture, wait, capture];
  const command = ["tar", "-czf", "/home/user/orders.tar.gz", "/home/user/orders"];
  const requests = [
    { body: read, key: reports },
    { body: { title: "Place the order", steps }, key: chat },
    { body: { action: "shell.run", parameters: { command } }, key: reports },
  ];
  const ids: string[] = [];
  for (const { body, key } of requests) {
    const { task_id } = await planRequest(gateway, body, key);
    await call(gateway, "POST", "/execute", { task_id }, key);
    ids.push(task_id);
  }
  return ids[1] ?? "";
}

async function takeInbox(): Promise<void> {
  await seat.open(`/approvals/${click}`);
  await page.locator(".decide").waitFor();
  await seat.open();
  await page.locator(".row").nth(2).waitFor();
  await page.locator(".row", { hasText: "chat" }).first().click();
  await page.locator(".decide").waitFor();
  await pictures(page);
  await keep("console-inbox", page);
}

async function takePhone(): Promise<void> {
  await using phone = await browser.sit(gateway, {
    viewport: PHONE,
    colorScheme: "dark",
    reducedMotion: "reduce",
  });
  await signInAs(phone);
  await phone.open(`/approvals/${click}`);
  await phone.readPlan();
  await phone.page.locator(".plan img, .plan canvas").first().scrollIntoViewIfNeeded();
  await pictures(phone.page);
  await keep("console-phone", phone.page);
}

async function takeCardAndTask(): Promise<void> {
  await page.setViewportSize({ width: 860, height: 1500 });
  await seat.open(`/approvals/${click}`);
  await seat.readPlan();
  await page.evaluate("scrollTo(0, 0)");
  await pictures(page);
  await keep("console-plan", page);
  await page.setViewportSize(DESK);
  await seat.approve();
  await page.locator(".status.completed").first().waitFor();
  await page.setViewportSize({ width: 860, height: 1180 });
  await seat.open(`/console/tasks/${click}`);
  await page.locator(".status.completed").first().waitFor();
  await pictures(page);
  await keep("console-done", page);
  await page.setViewportSize(DESK);
}

async function takeReject(): Promise<void> {
  const written = await plan(gateway, "fs.write", { path: "/tmp/total.txt", content: "1,204\n" });
  await seat.open(`/approvals/${written.task_id}`);
  await seat.readPlan();
  await page.getByRole("button", { name: "Reject" }).click();
  await page.getByLabel("Propose something else").check();
  await keep("console-reject", page);
  await page.keyboard.press("Escape");
  await reject(gateway, written);
}

async function takeDesktop(): Promise<void> {
  await seat.open("/console/desktops/embedded");
  await page.locator(".takeover select").selectOption("5 minutes");
  await page.getByRole("button", { name: "Take over" }).click();
  await page.getByText("It is yours").waitFor();
  await page.getByRole("application").waitFor();
  await pictures(page);
  await page.locator(".toast, .announcements > *").first().waitFor({ state: "hidden" });
  await keep("console-desktop", page);
  await page.getByRole("button", { name: "Give back" }).click();
  await page.getByRole("button", { name: "Take over" }).waitFor();
}

async function takeOperate(): Promise<void> {
  await operate("statistics", page.locator(".statistics"));
  await keepWhole("console-statistics", page);
  await operate("keys", page.locator(".entry").first());
  await keep("console-keys", page);
  await operate("policy", page.locator(".capability").first());
  const laxer = { ...POLICY, confirmation: { medium: "none" } };
  await page.getByLabel("The policy to try").fill(JSON.stringify(laxer, null, 2));
  await page.getByRole("button", { name: "Try it" }).click();
  await page.locator(".group").first().waitFor();
  await page.locator("#dry-run").scrollIntoViewIfNeeded();
  await page.locator(".group").first().locator("summary").click();
  await page
    .locator(".group")
    .first()
    .evaluate("(group) => group.scrollIntoView({ block: 'end' })");
  await keep("console-dry-run", page);
}

async function operate(part: string, shown: Locator): Promise<void> {
  await seat.open(`/console/operate/${part}`);
  await shown.waitFor();
}

/** Tasks that were decided before, so that there is something to count. */
async function somePast(): Promise<void> {
  const { chat, reports } = gateway.keys;
  for (let index = 0; index < 9; index += 1) {
    const body = { path: `/tmp/report-${index}.txt`, content: "1,204\n" };
    const key = index % 2 === 0 ? chat : reports;
    const planned = await plan(gateway, "fs.write", body, key);
    if (index % 4 === 3) {
      await reject(gateway, planned);
      continue;
    }
    await approve(gateway, planned);
    await execute(gateway, planned.task_id, key);
  }
}

/** On the gateway's desktop. */
async function openShop(): Promise<void> {
  const opened = await run(gateway, "browser.open", { url: shop.url });
  if (opened.status !== "completed") throw new Error(JSON.stringify(opened));
}

/** The same person in another browser. */
async function signInAs(other: Seat): Promise<void> {
  await other.context.addCookies(await seat.context.cookies());
}

/** Every picture in the page is there. */
async function pictures(shown: Page): Promise<void> {
  await shown.waitForFunction("[...document.images].every(({ complete }) => complete)");
  await shown.waitForTimeout(400);
}

/** Also what would have to be scrolled to. */
async function keepWhole(name: string, shown: Page): Promise<void> {
  await shown.mouse.move(0, 0);
  const png = await shown.screenshot({ animations: "disabled", fullPage: true });
  await keepPicture(name, png);
}

async function keep(name: string, shown: Page): Promise<void> {
  await shown.mouse.move(0, 0);
  await keepPicture(name, await shown.screenshot({ animations: "disabled" }));
}
