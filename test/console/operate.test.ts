import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, call } from "../support/call.ts";
import { browserPath, ConsoleBrowser, DESK, PHONE, type Seat } from "../support/console-browser.ts";
import { approve, execute, plan, reject } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { printedLink } from "../support/people.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PASSWORD = "correct horse battery";
/** Would run as HTML, and turns round what follows. */
const NAUGHTY = "<img src=x onerror=alert(1)>\u202Egnp";
const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, allowed_paths: ["/tmp"] },
    "browser.open": { enabled: false },
  },
};
const PARTS = ["policy", "audit", "keys", "people", "statistics"] as const;

describe.runIf(browserPath)("the operators' pages (needs Chromium)", () => {
  let gateway: Gateway;
  let browser: ConsoleBrowser;
  let seat: Seat;
  let page: Page;
  beforeAll(async () => {
    gateway = await startGateway({ policy: POLICY });
    browser = await ConsoleBrowser.open();
    seat = await browser.sit(gateway, { reducedMotion: "reduce" });
    page = seat.page;
    await enrolWithPassword(seat, "Olga Operator", printedLink(gateway));
    for (let index = 0; index < 24; index += 1) {
      const planned = await plan(gateway, "fs.write", {
        path: `/tmp/${index}${NAUGHTY}.txt`,
        content: "x",
      });
      if (index % 4 === 3) await reject(gateway, planned);
      else {
        await approve(gateway, planned);
        await execute(gateway, planned.task_id);
      }
    }
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await gateway?.[Symbol.asyncDispose]();
  });

  describe("policy", () => {
    it("shows what may be done, by whom it is confirmed, and its bounds", async () => {
      await show("policy");
      const write = page.locator(".capability", { hasText: "fs.write" });
      await expect
        .poll(() => write.innerText())
        .toMatch(/Write file contents\s+on\s+medium risk\s+an approver decides\s+within\s+\/tmp/);
      const off = page.locator(".capability.off", { hasText: "browser.open" });
      expect(await off.innerText()).toContain("no site at all");
      await page.getByLabel(/Also what is off/).uncheck();
      expect(await off.count()).toBe(0);
      const { body } = await fetchOwn<{ digest: string }>("/policy");
      await page.getByText(body.digest).waitFor();
    });

    it("says what would happen, by which rule, and what would change it", async () => {
      await show("policy");
      await page.getByLabel("path").fill(`/etc/${NAUGHTY}`);
      await page.getByLabel("content").fill("x");
      await page.getByRole("button", { name: "Ask", exact: true }).click();
      const answer = page.locator(".explanation");
      await answer.waitFor();
      const words = await answer.innerText();
      expect(words).toContain("refused");
      expect(words).toContain('capabilities["fs.write"].allowed_paths');
      expect(words).toContain("<img src=x onerror=alert(1)>⟦U+202E⟧gnp");
      expect(words).toContain("In policy.json at /capabilities/fs.write");
      expect(await answer.locator("img").count()).toBe(0);
      await answer.getByText("Every check in order").click();
      expect(await answer.locator(".outcome.denied").innerText()).toContain("path denied");
    });

    it("takes parameters as JSON, and says what is none", async () => {
      await show("policy");
      await page.getByLabel("Action").selectOption("fs.read");
      await page.getByRole("button", { name: "Write the parameters as JSON" }).click();
      await page.getByLabel("Parameters, JSON").fill("{path");
      await page.getByRole("button", { name: "Ask", exact: true }).click();
      await page.getByText("This is no JSON.").waitFor();
      await page.getByLabel("Parameters, JSON").fill('{"path":"/tmp/a"}');
      await page.getByRole("button", { name: "Ask", exact: true }).click();
      await page.locator(".explanation", { hasText: "whoever executes it confirms it" }).waitFor();
    });

    it("tries another policy, from a file, on what was decided", async () => {
      await show("policy");
      const laxer = { ...POLICY, confirmation: { medium: "none" } };
      await page.locator("input[type=file]").setInputFiles({
        name: "policy.json",
        mimeType: "application/json",
        buffer: Buffer.from(JSON.stringify(laxer)),
      });
      await page.getByRole("button", { name: "Try it" }).click();
      await page.getByText("24 of 24 steps change").waitFor();
      const group = page.locator(".group");
      expect(await group.count()).toBe(1);
      expect(await group.locator("summary").innerText()).toMatch(
        /Asks less fs.write 24 steps\s+medium risk an approver decides →\s*becomes\s+medium risk nobody is asked/,
      );
      await group.locator("summary").click();
      const first = group.locator(".entry").first();
      expect(await first.innerText()).toContain("<img src=x onerror=alert(1)>⟦U+202E⟧gnp");
      expect(await group.locator("img").count()).toBe(0);
      // Nothing was put in force by it.
      expect((await fetchOwn<{ policy: object }>("/policy")).body.policy).toMatchObject({
        confirmation: { medium: "approver" },
      });
    });

    it("says what is wrong with a policy that would be refused", async () => {
      await show("policy");
      await page.getByLabel("The policy to try").fill('{"capabilities":{"fs.raed":{"enabled":1}}}');
      await page.getByRole("button", { name: "Try it" }).click();
      const problem = page.getByRole("alert").filter({ hasText: "would be refused" });
      await problem.waitFor();
      expect(await problem.innerText()).toContain("fs.raed");
      await page.getByRole("button", { name: "Begin with the one in force" }).click();
      await page.getByRole("button", { name: "Try it" }).click();
      await page.getByText("Nothing would change").waitFor();
    });

    it("shows another policy as soon as it holds", async () => {
      await show("policy");
      const before = (await fetchOwn<{ digest: string }>("/policy")).body.digest;
      await page.getByText(before).waitFor();
      gateway.writePolicy({ ...POLICY, security: { max_queued_tasks: 7 } });
      // Well before the page would ask by the clock.
      await page.getByText(before).waitFor({ state: "detached" });
      const { digest } = (await fetchOwn<{ digest: string }>("/policy")).body;
      expect(digest).not.toBe(before);
      await page.getByText(digest).waitFor();
      gateway.writePolicy(POLICY);
      await page.getByText(before).waitFor();
    });

    it("says that a file which is wrong is not in force", async () => {
      gateway.writePolicy("{ no");
      await expect
        .poll(async () => (await fetchOwn<{ problem?: string }>("/policy")).body.problem)
        .toBeDefined();
      await show("policy");
      await page.getByText("The file as it is now is not in force.").waitFor();
      gateway.writePolicy(POLICY);
      await expect
        .poll(async () => (await fetchOwn<{ problem?: string }>("/policy")).body.problem)
        .toBeUndefined();
    });
  });

  describe("audit", () => {
    const records = () => page.locator(".record");

    it("lists the newest first, page by page, to the first", async () => {
      await show("audit");
      await records().first().waitFor();
      expect(await records().count()).toBe(100);
      await page.getByRole("button", { name: "Show earlier ones" }).click();
      await records().nth(100).waitFor();
      expect(await records().last().innerText()).toContain("gateway.started");
      const { body } = await fetchOwn<{ head: { seq: number } }>("/audit?limit=1");
      expect(await records().count()).toBe(body.head.seq);
    });

    it("searches by kind, text, key and time, and keeps it in the address", async () => {
      await show("audit");
      await page.getByLabel("Kind").selectOption("task.rejected");
      await page.getByRole("button", { name: "Search" }).click();
      await page.getByText("6 records, newest first").waitFor();
      await page.reload();
      await page.getByText("6 records, newest first").waitFor();
      expect(await page.getByLabel("Kind").inputValue()).toBe("task.rejected");
      await page.getByRole("button", { name: "Show all" }).click();
      await page.getByLabel("Contains").fill("olga-operator");
      await page.getByText("By whom, of which task").click();
      await page.getByLabel("Key or person").fill("person:olga-operator");
      await page.getByLabel("From").fill("2026-01-01T00:00");
      await page.getByRole("button", { name: "Search" }).click();
      await page.locator(".record", { hasText: "person.enrolled" }).waitFor();
      expect(await page.locator(".record", { hasText: "task.planned" }).count()).toBe(0);
      await page.getByLabel("Contains").fill("no record has this");
      await page.getByRole("button", { name: "Search" }).click();
      await page.getByText("No record is like that.").waitFor();
    });

    it("shows all of a record as inert text, and what belongs to it", async () => {
      await show("audit?type=task.planned");
      await records().first().locator("summary").click();
      const whole = page.locator(".record-whole");
      expect(await whole.innerText()).toMatch(/hmac-sha256:[0-9a-f]{64}/);
      expect(await whole.locator("img").count()).toBe(0);
      await whole.getByRole("link", { name: "All of this task" }).click();
      await page.locator(".record", { hasText: "task.rejected" }).waitFor();
      expect(await records().count()).toBe(2);
    });

    it("says that the record is sound, and when that was found", async () => {
      await show("audit");
      const state = page.locator(".verification.sound");
      await state.waitFor();
      expect(await state.innerText()).toMatch(/The record is sound\..*Verified \S/);
    });

    it("says that the record was changed", async () => {
      await page.route("**/audit/verification", (route) =>
        route.fulfill({
          json: {
            ok: false,
            state: "broken",
            checked: 41,
            head: { seq: 99, mac: "hmac-sha256:00" },
            at: "2026-01-01T00:00:00.000Z",
            problem: { seq: 42, kind: "mac", detail: NAUGHTY },
            running: false,
          },
        }),
      );
      await show("audit");
      const state = page.getByRole("alert").filter({ hasText: "Number 42" });
      await state.waitFor();
      expect(await state.innerText()).toContain("<img src=x onerror=alert(1)>⟦U+202E⟧gnp");
      await page.unroute("**/audit/verification");
    });
  });

  describe("keys", () => {
    it("are made with a token that is shown once, rotated with an overlap, and revoked", async () => {
      await show("keys");
      const known = page.locator(".entry", { hasText: "SHARED_SECRET" });
      expect(await known.innerText()).toContain("default");
      expect(await known.getByRole("button").count()).toBe(0);

      await page.getByRole("button", { name: "New key" }).click();
      await page.getByLabel(/^Id/).fill("n8n");
      await page.getByText("Bounds").click();
      await page.getByLabel(/Only these actions/).fill("fs.read, fs.list");
      await page.getByRole("button", { name: "Make it" }).click();
      const first = await takeToken("n8n");
      const entry = page.locator(".entry", { hasText: "n8n" });
      expect(await entry.innerText()).toMatch(/Actions\s+fs\.read\s*fs\.list/);
      expect(await page.content()).not.toContain(first);
      expect((await callAs(first)).status).toBe(200);

      await page.getByRole("button", { name: "Rotate n8n" }).click();
      await page.getByLabel("The old one still counts for").selectOption("10 minutes");
      await page.getByRole("button", { name: "Make the new token" }).click();
      const second = await takeToken("n8n");
      expect(second).not.toBe(first);
      await entry.getByText("Old token").waitFor();
      expect([(await callAs(first)).status, (await callAs(second)).status]).toEqual([200, 200]);

      // The first press revokes nothing.
      await page.getByRole("button", { name: "Revoke n8n" }).click();
      await page.getByRole("button", { name: "Back" }).click();
      expect((await callAs(second)).status).toBe(200);
      await page.getByRole("button", { name: "Revoke n8n" }).click();
      await page.getByRole("button", { name: "Revoke it" }).click();
      await entry.waitFor({ state: "detached" });
      expect([(await callAs(first)).status, (await callAs(second)).status]).toEqual([401, 401]);
    });

    it("are copied with a press", async () => {
      await seat.context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await show("keys");
      await makeKey("copied");
      const token = await page.getByRole("textbox", { name: "Token" }).inputValue();
      await page.getByRole("button", { name: "Copy" }).click();
      await page.getByText("Copied.").waitFor();
      expect(await page.evaluate("navigator.clipboard.readText()")).toBe(token);
      await page.keyboard.press("Escape");
    });

    it("that are refused say why, and an id is not given again", async () => {
      await show("keys");
      await makeKey("default");
      await page.getByRole("dialog").getByRole("alert").waitFor();
      await page.keyboard.press("Escape");
      await makeKey("n8n");
      await page.getByRole("dialog").getByRole("alert").waitFor();
      await page.keyboard.press("Escape");
    });

    it("are made with the keyboard alone", async () => {
      await show("keys");
      await page.getByRole("button", { name: "New key" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").waitFor();
      await expect.poll(() => focused()).toBe("INPUT");
      await page.keyboard.type("typed-key");
      await page.keyboard.press("Enter");
      await page.getByRole("textbox", { name: "Token" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await page.locator(".entry", { hasText: "typed-key" }).waitFor();
    });

    async function makeKey(id: string): Promise<void> {
      await page.getByRole("button", { name: "New key" }).click();
      await page.getByLabel(/^Id/).fill(id);
      await page.getByRole("button", { name: "Make it" }).click();
    }

    async function takeToken(id: string): Promise<string> {
      await page.getByRole("heading", { name: `The token of ${id}` }).waitFor();
      const token = await page.getByRole("textbox", { name: "Token" }).inputValue();
      await page.getByRole("button", { name: "I have it" }).click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      return token;
    }

    function callAs(token: string): Promise<Answer> {
      return call(gateway, "GET", "/tasks", undefined, { token });
    }
  });

  describe("statistics", () => {
    it("count tasks and decisions, as charts and as tables", async () => {
      await show("statistics");
      const tasks = page.locator("figure", { hasText: "Tasks a day" });
      await expect.poll(() => tasks.locator(".legend").innerText()).toMatch(/done 18.*rejected 6/s);
      const chart = page.getByRole("img", { name: "Tasks a day, by how they ended" });
      expect(await chart.locator("rect.series").count()).toBeGreaterThanOrEqual(2);
      await tasks.getByText("As a table").click();
      expect(await tasks.locator("tbody tr").count()).toBe(14);
      await page.getByLabel("The last").selectOption("7 days");
      await expect.poll(() => tasks.locator("tbody tr").count()).toBe(7);
      const decisions = page.locator("figure", { hasText: "Decisions a day" });
      expect(await decisions.locator(".legend").innerText()).toMatch(/approved 18\s+rejected 6/);
    });

    it("make approvals in under two seconds stand out", async () => {
      await show("statistics");
      const row = page.locator("tr.hasty", { hasText: "approver" });
      await row.waitFor();
      expect(await row.innerText()).toContain("18 approvals");
    });
  });

  describe("people", () => {
    it("are invited by a link that is shown once; an approver sees none of these pages", async () => {
      await show("people");
      await page.getByRole("button", { name: "Invite" }).click();
      await page.getByLabel(/^Name/).fill("Anna");
      await page.getByRole("button", { name: "Make the link" }).click();
      const link = await page.getByRole("textbox", { name: "Link" }).inputValue();
      await page.getByRole("button", { name: "I have it" }).click();
      expect(await page.content()).not.toContain(link);

      await using guest = await browser.sit(gateway);
      await enrolWithPassword(guest, "Anna", link);
      expect(await guest.page.getByRole("link", { name: "Operate" }).count()).toBe(0);
      const asked: string[] = [];
      guest.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
      for (const part of PARTS) {
        await guest.open(`/console/operate/${part}`);
        await guest.page.getByRole("heading", { name: "There is no such page" }).waitFor();
      }
      expect(asked.filter((path) => /^\/(policy|audit|keys|people|statistics)/.test(path))).toEqual(
        [],
      );
      for (const path of [
        "/policy",
        "/audit",
        "/audit/verification",
        "/keys",
        "/people",
        "/statistics",
      ]) {
        expect((await fetchFrom(guest.page, path)).status).toBe(403);
      }

      await show("people");
      await page.getByRole("button", { name: "Remove Anna" }).click();
      await page.getByRole("button", { name: "Remove", exact: true }).click();
      await page.locator(".entry", { hasText: "Anna" }).waitFor({ state: "detached" });
      expect((await fetchFrom(guest.page, "/session")).status).toBe(401);
    });

    it("who are invited and not here yet can be told that they are not", async () => {
      await show("people");
      await page.getByRole("button", { name: "Invite" }).click();
      await page.getByLabel(/^Name/).fill("Bob");
      await page.getByRole("button", { name: "Make the link" }).click();
      await page.getByRole("button", { name: "I have it" }).click();
      await page.getByRole("button", { name: "Withdraw the invitation of Bob" }).click();
      await page.locator(".entry", { hasText: "Bob" }).waitFor({ state: "detached" });
    });

    it("of whom the last operator stays", async () => {
      await show("people");
      await page.getByRole("button", { name: "Remove Olga Operator" }).click();
      await page.getByText("This is you").waitFor();
      await page.getByRole("button", { name: "Remove", exact: true }).click();
      await page.getByRole("alertdialog").getByRole("alert").waitFor();
      await page.getByRole("button", { name: "Back" }).click();
    });
  });

  it("are loaded when they are opened, not with the inbox", async () => {
    const asked: string[] = [];
    const note = (request: { url(): string }) => asked.push(request.url());
    page.on("request", note);
    await seat.open();
    await page.getByRole("heading", { name: "Inbox" }).waitFor();
    await page.getByText("Live").waitFor();
    expect(asked.filter((url) => /operate|-part/.test(url))).toEqual([]);
    await page.getByRole("link", { name: "Operate" }).click();
    await page.getByRole("heading", { name: "What may be done" }).waitFor();
    expect(asked.some((url) => /policy-part/.test(url))).toBe(true);
    page.off("request", note);
  });

  it.each([
    ["desk", DESK, "light"],
    ["desk", DESK, "dark"],
    ["phone", PHONE, "light"],
    ["phone", PHONE, "dark"],
  ] as const)(
    "have nothing that axe finds, and fit: %s %j %s",
    async (_size, viewport, colorScheme) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      for (const part of PARTS) {
        await show(PLACES[part]);
        await page.locator(READY[part]).first().waitFor();
        for (const summary of (await page.locator("main summary").all()).slice(0, 6)) {
          await summary.click();
        }
        expect([part, await findings()]).toEqual([part, []]);
        expect([part, await overflow()]).toEqual([part, 0]);
      }
      await show("keys");
      await page.getByRole("button", { name: "New key" }).click();
      await page.getByRole("dialog").waitFor();
      expect(await findings()).toEqual([]);
      await page.keyboard.press("Escape");
      await page.setViewportSize(DESK);
      await page.emulateMedia({ colorScheme: "light" });
    },
  );

  it("leave the browser nothing to complain about", () => {
    expect(seat.complaints).toEqual([]);
  });

  // A few records stand for thousands like them.
  const PLACES = {
    policy: "policy",
    audit: "audit?type=task.rejected",
    keys: "keys",
    people: "people",
    statistics: "statistics",
  } as const;
  const READY = {
    policy: ".capability",
    audit: ".record",
    keys: ".entry",
    people: ".entry",
    statistics: "tr.hasty",
  } as const;

  async function show(part: string): Promise<void> {
    await seat.open(`/console/operate/${part}`);
    await page.locator("h1").waitFor();
  }

  function fetchOwn<Body>(path: string): Promise<{ status: number; body: Body }> {
    return fetchFrom<Body>(page, path);
  }

  function fetchFrom<Body>(from: Page, path: string): Promise<{ status: number; body: Body }> {
    return from.evaluate(async (target) => {
      const response = await fetch(target);
      return { status: response.status, body: (await response.json()) as Body };
    }, path);
  }

  function focused(): Promise<unknown> {
    return page.evaluate("document.activeElement.tagName");
  }

  /** How far the page can be moved sideways, px. */
  function overflow(): Promise<unknown> {
    return page.evaluate(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
  }

  async function findings(): Promise<unknown> {
    await page.evaluate(AXE);
    return page.evaluate(`axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
      violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))]))`);
  }
});

/** Through a one-time link, setting a password. */
async function enrolWithPassword(seat: Seat, name: string, link: string): Promise<void> {
  const { hash, pathname } = new URL(link);
  await seat.open(pathname + hash);
  await seat.page.getByLabel("Your name").fill(name);
  await seat.page.getByRole("button", { name: "Use a password instead" }).click();
  await seat.page.getByLabel(/^Password/).fill(PASSWORD);
  await seat.page.getByRole("button", { name: "Set the password" }).click();
  await seat.page.getByRole("button", { name: "Go on" }).click();
  await seat.page.getByRole("heading", { name: "Inbox" }).waitFor();
}
