import type { Frame, Page } from "playwright-core";
import { DEFAULT_POLICY } from "../src/capabilities/default-policy.ts";
import type { TaskView } from "../src/contract/task.ts";
import { callTool as callPythonTool } from "../test/openwebui/tool-driver.ts";
import { authHeaders } from "../test/support/call.ts";
import { TerminalCli } from "../test/support/cli.ts";
import { plan, run, task } from "../test/support/flow.ts";
import { startGateway } from "../test/support/gateway.ts";
import { ChatPage } from "../test/tools/chat-page.ts";
import { awaitCard } from "../test/tools/tool-calls.ts";
import { chatFrame, dialogFrame, serveShop, terminalFrame } from "./take-pictures-frames.ts";
import { keepPicture } from "./take-pictures-keep.ts";

/**
 * Takes the pictures of docs/pictures: of the built gateway with its own desktop, in real Chromium.
 * Open WebUI is not part of it; where a picture stands in for it, the picture itself says so.
 *
 *     node scripts/take-pictures.ts      with Xvfb, openbox, chromium, bubblewrap, python3, script
 */
const WIDTH = 760;
const BUTTON = { x: 292, y: 328 };
const CLICK = { coordinates: BUTTON };
const READY = "anything else to stop › ";

await using shop = await serveShop();
await using gateway = await startGateway({
  policy: DEFAULT_POLICY,
  config: { "desktop.json": { screen: { width: 800, height: 600 } } },
  clients: [
    {
      id: "chat",
      scheme: "bearer",
      scopes: ["plan", "execute", "read"],
      trusted_approval_surface: true,
    },
  ],
});
await using chat = await ChatPage.open();

await openShop();
await takeCardWithLink();
await takeDialog();
await takeTerminal();
await takeCardThatDecides();

async function takeCardWithLink(): Promise<void> {
  const { url } = await awaitCard(gateway, "mouse_click", CLICK, gateway.keys.api);
  const { page, card } = await showCard(url);
  await card.waitForSelector("#elsewhere:visible");
  await card.waitForSelector("#reject:enabled");
  await keep("card-link", page);
  await page.close();
}

async function takeCardThatDecides(): Promise<void> {
  const steps = [
    { action: "mouse.click", parameters: CLICK },
    { action: "wait", parameters: { duration_ms: 6000 } },
    { action: "screen.capture", parameters: {} },
  ];
  const args = { title: "Place the order", steps };
  const { url, taskId } = await awaitCard(gateway, "run_plan", args, gateway.keys.chat);
  const { page, card } = await showCard(url);
  await card.waitForSelector("#approve:enabled");
  await keep("card-waiting", page);
  await keepArtifact("desktop-target", await pictureOfPlan(taskId));
  await card.click("#approve:enabled");
  await card.waitForSelector('#approve:enabled:has-text("Yes, run exactly this")');
  await card.click("#approve");
  await card.waitForSelector('#progress:visible p:has-text("Step 2")');
  await card.waitForSelector('#reject:enabled:has-text("Stop")');
  await keep("card-running", page);
  await card.waitForSelector('h1:has-text("Done")');
  await card.waitForSelector("#outcome img");
  await settled(card);
  await keep("card-done", page);
  const { artifacts } = await task(gateway, taskId, gateway.keys.approver);
  const [shot] = artifacts;
  if (shot === undefined) throw new Error("the screen was not captured");
  await keepArtifact("desktop-clicked", shot.url);
  await page.close();
}

/** What the tool of Open WebUI hands to its dialog, as it hands it. */
async function takeDialog(): Promise<void> {
  const { x, y } = BUTTON;
  await using tool = callPythonTool(gateway, {
    method: "click",
    args: { x, y },
    answers: [{ do: "ask" }, { do: "ask" }],
  });
  const { event } = await tool.dialog();
  await keepFrame("dialog", dialogFrame(event.data));
  tool.say(true);
  const { event: last } = await tool.dialog(1);
  await keepFrame("dialog-last", dialogFrame(last.data));
  tool.say(false);
  await tool.answer();
}

async function takeTerminal(): Promise<void> {
  const planned = await plan(gateway, "fs.write", {
    path: "/tmp/notes.txt",
    content: "buy milk\n",
  });
  const approver = { env: { APPROVER_SECRET: gateway.keys.approver.secret, NO_COLOR: undefined } };
  using terminal = new TerminalCli(gateway, ["approve", planned.task_id], approver);
  await terminal.shows(READY);
  terminal.type("yes\r");
  await terminal.exited;
  await keepFrame("terminal", terminalFrame(planned.task_id, terminal.screen));
}

/** On the gateway's desktop. */
async function openShop(): Promise<void> {
  const opened = await run(gateway, "browser.open", { url: shop.url });
  if (opened.status !== "completed") throw new Error(JSON.stringify(opened));
}

async function showCard(url: string): Promise<{ page: Page; card: Frame }> {
  const shown = await chat.show(url, chatFrame());
  // All of it is in view at once, so that it may be decided on.
  await shown.page.setViewportSize({ width: WIDTH, height: 1700 });
  await shown.card.waitForSelector("#plan section");
  return shown;
}

/** Two pictures of the screen and a while: what was set is drawn. */
function settled(card: Frame): Promise<unknown> {
  return card.evaluate(
    "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 300))))",
  );
}

/** Where the picture is that a plan was made on. */
async function pictureOfPlan(taskId: string): Promise<string> {
  const { steps }: TaskView = await task(gateway, taskId, gateway.keys.approver);
  const preview = steps[0]?.preview;
  if (preview?.kind !== "screenshot") throw new Error("the plan has no picture");
  return preview.url;
}

async function keepArtifact(name: string, path: string): Promise<void> {
  const { approver } = gateway.keys;
  const answer = await fetch(gateway.url + path, {
    headers: authHeaders(approver, "GET", path, ""),
  });
  if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}`);
  await keepPicture(name, await answer.bytes());
}

async function keepFrame(name: string, html: string): Promise<void> {
  const { page } = await chat.show("about:blank");
  await page.setContent(html);
  await page.setViewportSize({ width: WIDTH, height: 1700 });
  await keep(name, page);
  await page.close();
}

async function keep(name: string, page: Page): Promise<void> {
  const body = page.locator("body");
  await keepPicture(name, await body.screenshot({ animations: "disabled" }));
}
