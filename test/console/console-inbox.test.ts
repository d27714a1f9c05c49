import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PlanView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { browserPath, ConsoleBrowser, type Seat } from "../support/console-browser.ts";
import { plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { originOf } from "../support/people.ts";

const PATIENT = { timeout: 15_000 };

describe.runIf(browserPath)("the inbox in a browser (needs Chromium)", () => {
  let gateway: Gateway;
  let browser: ConsoleBrowser;
  let seat: Seat;
  let planned: PlanView[] = [];
  beforeAll(async () => {
    gateway = await startGateway({
      policy: { capabilities: { "fs.write": { enabled: true, allowed_paths: ["/tmp"] } } },
    });
    browser = await ConsoleBrowser.open();
    seat = await browser.sit(gateway);
    await seat.enrol("Olga Operator");
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    planned = [];
    for (const name of ["one.txt", "two.txt", "three.txt"]) await write(name);
  });
  afterEach(async () => {
    for (const { task_id } of planned) await call(gateway, "POST", `/tasks/${task_id}/cancel`, {});
    expect(seat.complaints).toEqual([]);
  });

  async function write(name: string): Promise<PlanView> {
    const made = await plan(gateway, "fs.write", { path: `/tmp/${name}`, content: name });
    planned.push(made);
    return made;
  }

  it("j and k move through what waits, one plan at a time, not beyond the ends", async () => {
    const { page } = seat;
    await seat.open();
    await page.locator(".row").nth(2).waitFor();
    // The row that is chosen, and the plan that is open beside it.
    const at = async () => [
      (await page.locator('.row[aria-current="true"] .row-summary').allInnerTexts()).join(),
      await page.locator(".inbox-detail .plan").innerText(),
    ];
    const isAt = (name: string) =>
      expect
        .poll(at, PATIENT)
        .toEqual([expect.stringContaining(name), expect.stringContaining(name)]);
    await isAt("one.txt");
    await page.keyboard.press("j");
    await isAt("two.txt");
    await page.keyboard.press("j");
    await isAt("three.txt");
    await page.keyboard.press("j");
    await isAt("three.txt");
    await page.keyboard.press("k");
    await isAt("two.txt");
    await page.keyboard.press("k");
    await page.keyboard.press("k");
    await isAt("one.txt");

    // With a modifier it is the browser's; held down, or made up by a script, it is no press.
    await page.keyboard.press("Control+j");
    await page.evaluate(`dispatchEvent(new KeyboardEvent("keydown", { key: "j" }))`);
    await isAt("one.txt");
    await page.keyboard.down("j");
    await page.keyboard.down("j");
    await page.keyboard.up("j");
    await isAt("two.txt");

    // What is typed is text.
    await page.getByRole("button", { name: "Reject" }).click();
    await page.getByRole("dialog").getByRole("textbox").first().fill("");
    await page.keyboard.type("jk");
    expect(await page.getByRole("dialog").getByRole("textbox").first().inputValue()).toBe("jk");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await isAt("two.txt");
  });

  it("the title counts what waits, on every page", async () => {
    const { page } = seat;
    for (const path of ["/console", "/console/tasks", "/console/account"]) {
      await seat.open(path);
      await expect.poll(() => page.title(), PATIENT).toMatch(/^\(3\) \w+ – ByteBot Gateway$/);
    }
    await write("four.txt");
    await expect.poll(() => page.title(), PATIENT).toMatch(/^\(4\) /);
    for (const { task_id } of planned) await call(gateway, "POST", `/tasks/${task_id}/cancel`, {});
    await expect.poll(() => page.title(), PATIENT).toMatch(/^\w+ – ByteBot Gateway$/);
  });

  it("notifies once it was switched on, of new plans alone, where nobody looks; a press opens the plan", async () => {
    const { page, context } = seat;
    await context.grantPermissions(["notifications"], { origin: originOf(gateway) });
    await context.addInitScript(CAPTURE);
    await seat.open("/console");
    const seen = () => page.evaluate("shown.map(({ title, body }) => [title, body])");
    const look = (state: "hidden" | "visible") => page.evaluate(`look("${state}")`);
    const notify = page.getByRole("switch", { name: "Notify me" });
    await page.getByText("Live", { exact: true }).waitFor();
    const arrives = async (name: string, shown = name) => {
      const made = await write(name);
      await page.locator(".row", { hasText: shown }).waitFor();
      return made;
    };

    expect(await notify.getAttribute("aria-checked")).toBe("false");
    await look("hidden");
    await arrives("off.txt");
    expect(await seen()).toEqual([]);

    await notify.click();
    await expect.poll(() => notify.getAttribute("aria-checked"), PATIENT).toBe("true");
    await look("visible");
    await arrives("looking.txt");
    expect(await seen()).toEqual([]);
    await look("hidden");
    const made = await arrives("away\u202E.txt", "away⟦U+202E⟧.txt");
    const summary = expect.stringContaining("/tmp/away⟦U+202E⟧.txt");
    await expect.poll(seen, PATIENT).toEqual([["medium risk: a plan waits for you", summary]]);
    await page.evaluate("shown[0].onclick()");
    await page.waitForURL(`**/console/tasks/${made.task_id}`);
    expect(await page.evaluate("shown[0].closed")).toBe(true);

    // Kept for the next time, and switched off again.
    await seat.open("/console");
    await expect.poll(() => notify.getAttribute("aria-checked"), PATIENT).toBe("true");
    await notify.click();
    await expect.poll(() => notify.getAttribute("aria-checked"), PATIENT).toBe("false");
    await look("hidden");
    await arrives("silent.txt");
    expect(await seen()).toEqual([]);
  });
});

/** What the page would have the browser show; whether anybody looks at it is for the test to say. */
const CAPTURE = `
  globalThis.shown = [];
  globalThis.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options);
      shown.push(this);
      Object.defineProperty(this, "body", { value: options.body });
    }
    close() { this.closed = true; super.close(); }
  };
  let visibility = "visible";
  Object.defineProperty(document, "visibilityState", { get: () => visibility });
  globalThis.look = (state) => {
    visibility = state;
    document.dispatchEvent(new Event("visibilitychange"));
  };
`;
