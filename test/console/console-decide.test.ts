import { existsSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { PlanView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { browserPath, ConsoleBrowser, PHONE, type Seat } from "../support/console-browser.ts";
import { plan, planRequest, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import type { Person } from "../support/people.ts";

const PATHS = { enabled: true, allowed_paths: ["/tmp"] };
const LONG = Array.from({ length: 120 }, (_, line) => `line ${line}`).join("\n");

describe.runIf(browserPath)("deciding in the console (needs Chromium)", () => {
  let gateway: Gateway;
  let browser: ConsoleBrowser;
  let seat: Seat;
  beforeAll(async () => {
    gateway = await startGateway({
      policy: {
        capabilities: {
          "fs.read": { ...PATHS, confirmation: "approver" },
          "fs.write": { ...PATHS, risk_level: "medium" },
          "fs.edit": { ...PATHS, risk_level: "high" },
          "browser.open": {
            enabled: true,
            allowed_domains: ["*.example.com", "xn--80ak6aa92e.com"],
          },
          "shell.run": { enabled: true, allowed_commands: ["ls"] },
        },
        confirmation: { approvals: { high: 2 } },
      },
    });
    browser = await ConsoleBrowser.open();
    seat = await browser.sit(gateway);
    await seat.enrol("Olga Operator");
  });
  afterEach(() => expect(seat.complaints).toEqual([]));
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
  });

  const write = (name: string, content = "x") =>
    plan(gateway, "fs.write", { path: `/tmp/${name}`, content });
  const approvals = async ({ task_id }: PlanView) =>
    (await task(gateway, task_id, gateway.keys.approver)).approvals;
  const openPlan = async ({ task_id }: PlanView, at: Seat = seat) => {
    await at.open(`/approvals/${task_id}`);
    await at.page.locator(".decide").waitFor();
  };

  it("shows a new plan in the inbox by itself; approving it runs it, and the page shows that", async () => {
    const { page } = seat;
    await seat.open();
    await page.getByText("Nothing waits for you").waitFor();
    const planned = await write("yes.txt", "hello");
    await call(gateway, "POST", "/execute", { task_id: planned.task_id });
    await page.locator(".row", { hasText: "yes.txt" }).waitFor();
    expect(await page.title()).toMatch(/^\(1\) /);
    expect(existsSync(gateway.file("/tmp/yes.txt"))).toBe(false);
    await seat.approve();
    await page.locator(".status.completed").first().waitFor();
    expect(readFileSync(gateway.file("/tmp/yes.txt"), "utf8")).toBe("hello");
    await page.getByText("Nothing waits for you").waitFor();
    expect(await page.title()).not.toContain("(");
    expect(await approvals(planned)).toMatchObject([{ key_id: "person:olga-operator" }]);
  });

  it("I8 nothing of a plan is markup, and nothing of it is hidden", async () => {
    const evil = '<img src=x onerror="document.title=1"><b>bold</b>\u202Etxt.exe\u200B\u0007 ';
    const planned = await planRequest(gateway, {
      title: evil,
      steps: [{ action: "fs.write", parameters: { path: "/tmp/evil.txt", content: evil } }],
    });
    await openPlan(planned);
    const { page } = seat;
    const text = await page.locator(".plan").innerText();
    for (const mark of ["<b>bold</b>", "⟦U+202E⟧", "⟦U+200B⟧", "⟦U+0007⟧", "⟦U+0020⟧"]) {
      expect(text).toContain(mark);
    }
    expect(await page.locator(".plan b, .plan img").count()).toBe(0);
    for (const hidden of ["\u202E", "\u200B", "\u0007"]) expect(text).not.toContain(hidden);
  });

  it("shows a host in both its spellings, and a command one argument a line", async () => {
    const { page } = seat;
    const opened = await call<PlanView>(gateway, "POST", "/plan", {
      action: "browser.open",
      parameters: { url: "http://xn--80ak6aa92e.com/" },
    });
    if (opened.status === 200) {
      await openPlan(opened.body);
      const text = await page.locator(".plan").innerText();
      expect(text).toContain("xn--80ak6aa92e.com");
      expect(text).toContain("аррӏе.com");
    }
    const listed = await call<PlanView>(gateway, "POST", "/plan", {
      action: "shell.run",
      parameters: { command: ["ls", "-l", "/tmp/a b", ""] },
    });
    if (listed.status !== 200) return;
    await openPlan(listed.body);
    const items = await page.locator(".preview .arguments > li").allInnerTexts();
    expect(items.map((item) => item.trim())).toEqual(["ls", "-l", "/tmp/a b", "empty"]);
  });

  it("I8 cannot be approved before all of it was in view, nor by jumping to its end", async () => {
    const planned = await write("long.txt", LONG);
    await openPlan(planned);
    const { page } = seat;
    await page.keyboard.press("End");
    await page.waitForTimeout(800);
    expect(await page.locator(".decide button.primary").count()).toBe(0);
    await page.keyboard.press("y");
    await seat.readPlan();
    expect(await approvals(planned)).toEqual([]);
  });

  it("I8 a picture that cannot be shown cannot be approved", async () => {
    const planned = await write("seen.txt");
    await seat.page.route(`**/tasks/${planned.task_id}`, async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      body.steps[0].preview = {
        kind: "screenshot",
        artifact_id: `artifact_${"A".repeat(22)}`,
        url: "http://elsewhere.example/picture.png",
        width: 100,
        height: 100,
        targets: [{ x: 1, y: 2 }],
      };
      await route.fulfill({ response, json: body });
    });
    await openPlan(planned);
    await seat.page.getByText("could not be shown").waitFor();
    expect(await seat.page.locator(".decide button.primary").isDisabled()).toBe(true);
    await seat.page.unroute(`**/tasks/${planned.task_id}`);
  });

  it("one act approves nothing: no key, no Enter, no click made up by a script", async () => {
    const planned = await write("one.txt");
    await openPlan(planned);
    const { page } = seat;
    for (const key of ["y", "Enter", " "]) await page.keyboard.press(key);
    await seat.readPlan();
    await page.evaluate("document.querySelector('.decide button.primary').click()");
    expect(await page.locator(".decide button.armed").count()).toBe(0);
    await page.keyboard.press("a");
    await page.locator(".decide button.armed").waitFor();
    expect(await page.locator(".decide button.armed").isDisabled()).toBe(true);
    await page.locator(".decide button.armed:enabled").waitFor();
    await page.evaluate("document.querySelector('.decide button.armed').click()");
    await page.evaluate("dispatchEvent(new KeyboardEvent('keydown', { key: 'y' }))");
    // Enter takes it back: the key that armed does not confirm.
    await page.keyboard.press("Enter");
    await page.locator(".decide button.primary").waitFor();
    expect(await approvals(planned)).toEqual([]);
    await page.locator(".decide button.primary:enabled").waitFor();
    await page.keyboard.press("a");
    await page.locator(".decide button.armed:enabled").waitFor();
    await page.keyboard.press("y");
    await page.locator(".status.ready").first().waitFor();
    expect(await approvals(planned)).toHaveLength(1);
  });

  it("rejects with a reason, and with a proposal that the requester receives", async () => {
    const planned = await write("no.txt");
    await openPlan(planned);
    const { page } = seat;
    await page.keyboard.press("r");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reason").fill("Not there.");
    await dialog.getByLabel("Propose something else").check();
    await dialog.getByLabel("path").fill("/tmp/better.txt");
    await dialog.getByRole("button", { name: "Reject and propose" }).click();
    await page.locator(".status.rejected").waitFor();
    const seen = await task(gateway, planned.task_id);
    expect(seen.rejection).toMatchObject({
      key_id: "person:olga-operator",
      reason: "Not there.",
      proposal: { action: "fs.write", parameters: { path: "/tmp/better.txt", content: "x" } },
    });
    expect(await page.locator(".outcome").innerText()).toContain("/tmp/better.txt");
  });

  it("names the field of a proposal that is no JSON, and takes one written as JSON", async () => {
    const planned = await write("json.txt");
    await openPlan(planned);
    const { page } = seat;
    await page.getByRole("button", { name: "Reject" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Propose something else").check();
    await dialog.getByRole("button", { name: "Edit as JSON" }).click();
    await dialog.getByLabel("The proposal").fill("{");
    await dialog.getByRole("button", { name: "Reject and propose" }).click();
    await dialog.getByRole("alert").waitFor();
    expect((await task(gateway, planned.task_id)).status).toBe("planned");
    const proposal = { steps: [{ action: "fs.read", parameters: { path: "/tmp/json.txt" } }] };
    await dialog.getByLabel("The proposal").fill(JSON.stringify(proposal));
    await dialog.getByRole("button", { name: "Reject and propose" }).click();
    await page.locator(".status.rejected").waitFor();
    expect((await task(gateway, planned.task_id)).rejection?.proposal).toEqual(proposal);
  });

  it("allows one kind for a while, lists it, and ends it", async () => {
    const planned = await write("granted.txt");
    await openPlan(planned);
    const { page } = seat;
    await seat.readPlan();
    await page.getByRole("button", { name: "Allow for a while" }).click();
    const dialog = page.getByRole("dialog");
    // The narrowest is chosen, and an Enter that was meant for something else allows nothing.
    expect(await dialog.getByLabel("/tmp/granted.txt only").isChecked()).toBe(true);
    await page.keyboard.press("Enter");
    await dialog.getByLabel("/tmp/granted.txt only").press("Enter");
    await dialog.getByLabel("/tmp and all below it").check();
    await dialog.getByLabel("/tmp and all below it").press("Enter");
    const none = await call(gateway, "GET", "/grants", undefined, gateway.keys.approver);
    expect(none.body).toEqual({ grants: [] });
    await dialog.getByLabel("15 min").check();
    await dialog.getByRole("button", { name: "Approve and allow" }).click();
    await page.locator(".status.ready").first().waitFor();

    const like = await write("granted-too.txt", "by grant");
    const run = await call(gateway, "POST", "/execute?wait=30", { task_id: like.task_id });
    expect(run.body).toMatchObject({ status: "completed" });
    expect(await approvals(like)).toMatchObject([{ via: "grant", key_id: "person:olga-operator" }]);

    await seat.open("/console/grants");
    await page.getByText("used once").waitFor();
    await page.getByRole("button", { name: "End it" }).click();
    await page.getByText("Nothing is allowed without asking").waitFor();
    const asked = await write("asked-again.txt");
    const waits = await call(gateway, "POST", "/execute", { task_id: asked.task_id });
    expect(waits.body).toMatchObject({ status: "awaiting_confirmation" });
  });

  it("two people at once: each sees what the other did, and neither counts twice", async () => {
    const { page } = seat;
    await using second = await browser.sit(gateway, { viewport: PHONE });
    await second.enrol("Anton Approver", await inviteLink(seat));
    // Else the two count as one: the first has seen the second's link.
    await cli(gateway, ["people", "vouch", "anton-approver"]);
    await page.evaluate('fetch("/people").then(({ status }) => status)');
    await call(gateway, "POST", "/plan", {}); // an invalid one changes nothing
    const made = await write("edit.txt", "one");
    await openPlan(made);
    await seat.approve();
    await page.locator(".status.ready").first().waitFor();
    await call(gateway, "POST", "/execute?wait=30", { task_id: made.task_id });
    const planned = await plan(gateway, "fs.edit", {
      path: "/tmp/edit.txt",
      old_text: "one",
      new_text: "two",
    });
    await call(gateway, "POST", "/execute", { task_id: planned.task_id });
    await openPlan(planned);
    await openPlan(planned, second);
    await second.readPlan();
    await seat.approve();
    await page.getByText("You have approved it").waitFor();
    // The first approval is part of what the second person has to see.
    await second.page.locator(".plan-facts", { hasText: "olga-operator" }).waitFor();
    await second.approve();
    await second.page.locator(".status.completed").first().waitFor();
    await page.locator(".status.completed").first().waitFor();
    expect(readFileSync(gateway.file("/tmp/edit.txt"), "utf8")).toBe("two");
    expect((await approvals(planned)).map(({ key_id }) => key_id)).toEqual([
      "person:olga-operator",
      "person:anton-approver",
    ]);
    expect(second.complaints).toEqual([]);
  });

  async function inviteLink(from: Seat): Promise<string> {
    const answer = (await from.page.evaluate(`fetch("/people", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ role: "approver" }),
    }).then((response) => response.json())`)) as Awaited<ReturnType<Person["open"]>> & {
      url: string;
    };
    return answer.url;
  }
});
