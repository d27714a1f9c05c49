import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PlanView } from "../../src/contract/task.ts";
import { authHeaders } from "../support/call.ts";
import { planRequest, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const browserPath = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));
const UNKNOWN = `task_${"A".repeat(22)}`;
const MARKS = ["remarkable-title", "remarkable-name", "remarkable-content"];

let gateway: Gateway;
let planned: PlanView;
beforeAll(async () => {
  gateway = await startGateway();
  planned = await planRequest(gateway, {
    title: MARKS[0],
    steps: [
      { action: "fs.write", parameters: { path: `/tmp/${MARKS[1]}.txt`, content: MARKS[2] } },
    ],
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

/** The page of a task, its id and what differs with every answer taken out. */
async function page(taskId: string, init?: RequestInit) {
  const response = await fetch(`${gateway.url}/approvals/${taskId}`, init);
  const headers = Object.fromEntries(response.headers);
  delete headers.date;
  delete headers["x-request-id"];
  const text = (await response.text()).replaceAll(taskId, "TASK");
  return { status: response.status, headers, text };
}

describe("the page of confirmation.url", () => {
  test("is where the plan says", () => {
    const { port, pathname } = new URL(planned.confirmation.url);
    expect([Number(port), pathname]).toEqual([gateway.port, `/approvals/${planned.task_id}`]);
  });

  test("I12 is the same for a task there is and one there is not", async () => {
    expect(await page(planned.task_id)).toEqual(await page(UNKNOWN));
    expect((await page(planned.task_id)).status).toBe(200);
  });

  test("I12 shows nothing of the plan, whoever asks", async () => {
    const target = `/approvals/${planned.task_id}`;
    const callers = [gateway.keys.default, gateway.keys.approver, gateway.keys.api, {}];
    const plain = await page(planned.task_id);
    for (const credentials of callers) {
      const headers = authHeaders(credentials, "GET", target, "");
      expect(await page(planned.task_id, { headers })).toEqual(plain);
    }
    for (const mark of [...MARKS, planned.plan_digest, "fs.write", planned.task_id]) {
      expect(plain.text).not.toContain(mark);
    }
  });

  test("I11 GET decides nothing, whatever its query says, and nothing else is answered", async () => {
    await page(`${planned.task_id}?decision=approve&plan_digest=${planned.plan_digest}`);
    await page(planned.task_id, { method: "HEAD" });
    const posted = await fetch(planned.confirmation.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ decision: "approve", plan_digest: planned.plan_digest }),
    });
    expect(posted.status).toBe(405);
    expect((await task(gateway, planned.task_id)).status).toBe("planned");
    expect((await task(gateway, planned.task_id)).approvals).toEqual([]);
  });

  test("an id that can be none is not reflected", async () => {
    const { status, text } = await page("%3Cscript%3Ealert(1)%3C%2Fscript%3E");
    expect(status).toBe(404);
    expect(text).not.toContain("alert");
  });

  test("cannot be framed, scripted or sent anywhere", async () => {
    const policy = (await page(planned.task_id)).headers["content-security-policy"];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("form-action 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain("unsafe");
  });
});

test.runIf(browserPath)(
  "I11 opening and clicking through the page decides nothing (needs Chromium)",
  async () => {
    const waiting = await planRequest(gateway, {
      action: "fs.write",
      parameters: { path: "/tmp/waits.txt", content: "x" },
    });
    const profile = await mkdtemp(join(tmpdir(), "browser-"));
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath: browserPath ?? "",
      chromiumSandbox: false,
      args: ["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    try {
      const tab = await browser.newPage();
      const complaints: string[] = [];
      tab.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      tab.on("pageerror", (error) => complaints.push(error.message));
      await tab.goto(waiting.confirmation.url);
      // Whoever is not signed in learns nothing but how to.
      await tab.getByRole("heading", { name: "Sign in" }).waitFor();
      const text = await tab.locator("body").innerText();
      for (const mark of ["/tmp/waits.txt", waiting.plan_digest]) expect(text).not.toContain(mark);
      for (const key of ["a", "y", "Enter"]) await tab.keyboard.press(key);
      await tab.reload();
      await tab.getByRole("heading", { name: "Sign in" }).waitFor();
      // That nobody is signed in.
      expect(complaints.filter((text) => !text.includes("401"))).toEqual([]);
      expect((await task(gateway, waiting.task_id)).status).toBe("planned");
    } finally {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    }
  },
);
