import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PlanView } from "../../src/contract/task.ts";
import { makeVisible } from "../../src/lib/inert.ts";
import { browserPath, ConsoleBrowser, type Seat } from "../support/console-browser.ts";
import { plan, planRequest, run, task } from "../support/flow.ts";
import { ForeignSite } from "../support/foreign-site.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { originOf } from "../support/people.ts";

/** What a hostile page, plan, file or thief gets out of a browser in which somebody is signed in. */
const CORPUS = resolve(import.meta.dirname, "../../../shared/corpora/naughty-strings.json");
const PATHS = { enabled: true, allowed_paths: ["/tmp"] };
/** Longer than a page needs for what it begins as it loads. */
const SETTLE_MS = 400;

describe.runIf(browserPath)("attacks in the browser (needs Chromium)", () => {
  const owned = new AsyncDisposableStack();
  let gateway: Gateway;
  let foreign: ForeignSite;
  let browser: ConsoleBrowser;
  let seat: Seat;
  let count = 0;

  beforeAll(async () => {
    gateway = owned.use(
      await startGateway({
        policy: { capabilities: { "fs.read": PATHS, "fs.write": PATHS } },
      }),
    );
    foreign = owned.use(await ForeignSite.open());
    browser = owned.use(await ConsoleBrowser.open());
    seat = owned.use(await browser.sit(gateway));
    await seat.enrol("Olga Operator");
  });
  afterAll(() => owned.disposeAsync());

  const waiting = () => plan(gateway, "fs.write", { path: `/tmp/a-${count++}.txt`, content: "x" });
  const approvals = async ({ task_id }: PlanView) =>
    (await task(gateway, task_id, gateway.keys.approver)).approvals;
  const decision = ({ task_id, plan_digest }: PlanView) =>
    JSON.stringify({ task_id, plan_digest, decision: "approve" });
  /** A script that decides by every way a page has. */
  const decide = (planned: PlanView) => `(async () => {
    const body = ${JSON.stringify(decision(planned))};
    const at = ${JSON.stringify(originOf(gateway))};
    const json = { "content-type": "application/json" };
    const ways = [
      { method: "POST", mode: "no-cors", headers: { "content-type": "text/plain" }, body },
      { method: "POST", mode: "no-cors", headers: json, body },
      { method: "POST", mode: "cors", headers: { "content-type": "text/plain" }, body },
      { method: "POST", mode: "cors", headers: json, body },
    ];
    const answers = [];
    for (const way of ways) {
      const all = { credentials: "include", keepalive: true, ...way };
      answers.push(await fetch(at + "/confirm", all).then(({ status }) => status, () => "refused"));
    }
    navigator.sendBeacon(at + "/confirm", body);
    navigator.sendBeacon(at + "/confirm", new Blob([body], { type: "application/json" }));
    for (const target of ["/session", "/tasks/${planned.task_id}"]) {
      for (const method of ["DELETE", "GET"]) {
        const all = { method, credentials: "include" };
        answers.push(await fetch(at + target, all).then(({ status }) => status, () => "refused"));
      }
    }
    new Image().src = at + "/tasks/${planned.task_id}";
    return answers;
  })()`;
  const isSignedIn = async (at: Seat = seat) => {
    await at.open("/console");
    return (await at.page.evaluate("fetch('/session').then(({ status }) => status)")) === 200;
  };
  /** Opens a page in a further tab of the person's browser. */
  const visit = async (url: string): Promise<Page> => {
    const page = await seat.context.newPage();
    await page.goto(url);
    return page;
  };

  describe("another origin's page", () => {
    for (const from of ["sameSite", "crossSite"] as const) {
      it(`decides, reads and signs out nothing by script (${from})`, async () => {
        // Nobody else asks for anything meanwhile.
        await seat.page.goto("about:blank");
        const planned = await waiting();
        foreign.html = "<!doctype html><title>elsewhere</title>";
        const page = await visit(foreign[from]);
        const before = gateway.logs().length;
        const answers = await page.evaluate(decide(planned));
        // An opaque answer has the status 0: nothing of it can be read.
        expect(answers).toEqual([0, 0, ...Array(6).fill("refused")]);
        await page.waitForTimeout(SETTLE_MS);
        await page.close();
        const reached = gateway.logs().slice(before);
        expect(reached.filter(({ status }) => typeof status === "number" && status < 400)).toEqual(
          [],
        );
        expect(reached.some(({ path }) => path === "/confirm")).toBe(true);
        expect(await approvals(planned)).toEqual([]);
        expect(await isSignedIn()).toBe(true);
      });

      for (const enctype of ["text/plain", "application/x-www-form-urlencoded"]) {
        it(`decides nothing by a form of ${enctype} (${from})`, async () => {
          const planned = await waiting();
          const { task_id: id, plan_digest: digest } = planned;
          // One field whose name and value make JSON of the line `name=value`.
          const name = `{"task_id":"${id}","plan_digest":"${digest}","decision":"approve","reason":"`;
          foreign.html = `<!doctype html><form method="post" enctype="${enctype}"
            action="${originOf(gateway)}/confirm"><input name='${name}' value='"}'></form>
            <script>document.forms[0].submit()</script>`;
          const page = await seat.context.newPage();
          const [answer] = await Promise.all([
            page.waitForResponse((response) => response.url().endsWith("/confirm")),
            page.goto(foreign[from]),
          ]);
          expect(answer.status()).toBeGreaterThanOrEqual(400);
          await page.close();
          expect(await approvals(planned)).toEqual([]);
        });
      }

      it(`frames no page of the console, and holds no handle of its window (${from})`, async () => {
        const { task_id: id } = await waiting();
        const targets = ["/console", `/approvals/${id}`, `/tasks/${id}`, "/console/sign-in"];
        foreign.html = targets
          .flatMap((target) => [
            `<iframe src="${originOf(gateway)}${target}"></iframe>`,
            `<iframe sandbox="allow-scripts allow-same-origin" src="${originOf(gateway)}${target}"></iframe>`,
            `<object data="${originOf(gateway)}${target}"></object>`,
          ])
          .join("");
        const page = await visit(foreign[from]);
        await page.waitForTimeout(SETTLE_MS);
        const shown = page.frames().filter((frame) => frame !== page.mainFrame());
        expect(shown.length).toBeGreaterThan(0);
        for (const frame of shown) {
          const text = await frame.evaluate("document.documentElement.outerHTML").catch(() => "");
          expect(text).not.toContain("/console/assets/");
          expect(text).not.toContain(id);
        }
        const [opened] = await Promise.all([
          page.waitForEvent("popup"),
          page.evaluate(`window.theirs = open("${originOf(gateway)}/approvals/${id}"); undefined`),
        ]);
        await opened.locator(".decide").waitFor();
        expect(await page.evaluate("theirs.closed")).toBe(true);
        await opened.close();
        await page.close();
      });

      it(`opens no socket and no event stream in the person's name (${from})`, async () => {
        foreign.html = "<!doctype html>";
        const page = await visit(foreign[from]);
        const at = originOf(gateway);
        const ends = await page.evaluate(`Promise.all([
          new Promise((resolve) => {
            const socket = new WebSocket("${at.replace("http", "ws")}/desktops/simulated/vnc");
            socket.onopen = () => resolve("open");
            socket.onerror = () => resolve("refused");
          }),
          new Promise((resolve) => {
            const stream = new EventSource("${at}/events?since=0", { withCredentials: true });
            stream.onmessage = () => resolve("open");
            stream.onerror = () => { stream.close(); resolve("refused"); };
          }),
        ])`);
        expect(ends).toEqual(["refused", "refused"]);
        await page.close();
      });
    }

    it("would have, from the console's own: the ways are no dead ends", async () => {
      const planned = await waiting();
      await seat.open("/console");
      const answers = await seat.page.evaluate(decide(planned));
      expect(answers).toContain(200);
      expect(await approvals(planned)).toHaveLength(1);
      await seat.open("/console");
      await seat.page.getByRole("button", { name: "Sign in with a passkey" }).click();
      await seat.page.getByRole("heading", { name: "Inbox" }).waitFor();
    });
  });

  describe("a plan", () => {
    const HTML = [
      `<img src=x onerror="document.title='run'">`,
      `<svg/onload=document.title='run'>`,
      `"><script>document.title='run'</script>`,
      `javascript:document.title='run'`,
      `<iframe srcdoc="<script>parent.document.title='run'</script>"></iframe>`,
      `<style>*{display:none}</style><base href="https://evil.test/">`,
      `<meta http-equiv=refresh content="0;url=https://evil.test/">`,
      `</textarea></pre></title><form action="/confirm" method=post><button>Approve</button>`,
    ];
    const naughty = (existsSync(CORPUS) ? JSON.parse(readFileSync(CORPUS, "utf8")) : []).filter(
      (text: string) => text.isWellFormed(),
    );

    it("I8 full of markup and naughty strings is inert text, wherever the console shows it", async () => {
      const asked: string[] = [];
      const dialogs: string[] = [];
      await using other = await browser.sit(gateway);
      await other.context.addCookies(await seat.context.cookies());
      const { page } = other;
      page.on("request", (request) => asked.push(new URL(request.url()).origin));
      page.on("dialog", (dialog) => {
        dialogs.push(dialog.message());
        return dialog.dismiss();
      });
      const planned = await planRequest(gateway, {
        title: HTML[0],
        steps: [...HTML, naughty.join("\n").slice(0, 8_000)].map((content, index) => ({
          action: "fs.write",
          parameters: { path: `/tmp/naughty-${index}.html`, content },
        })),
      });
      const parts = "script, style, iframe, object, embed, base, form, meta[http-equiv]";
      await other.open("/console");
      await page.locator(".row", { hasText: "naughty-0" }).waitFor();
      const plain = await page.locator(parts).count();
      await other.open(`/approvals/${planned.task_id}`);
      await other.readPlan();
      const text = await page.locator(".plan").innerText();
      for (const content of HTML) expect(text).toContain(makeVisible(content));
      expect(await page.locator(parts).count()).toBe(plain);
      expect(
        await page.locator("[onerror], [onload], a[href^='javascript'], img[src='x']").count(),
      ).toBe(0);
      expect(await page.title()).not.toBe("run");
      expect(page.url()).toBe(`${originOf(gateway)}/approvals/${planned.task_id}`);
      expect([...new Set(asked)]).toEqual([originOf(gateway)]);
      expect([dialogs, other.complaints]).toEqual([[], []]);
    });
  });

  describe("a file that tries to approve", () => {
    it("I14 has no authority, opened in the browser of whoever is signed in", async () => {
      const planned = await waiting();
      const script = `<!doctype html><title>file</title><script>document.title = "run"; ${decide(planned)}</script>`;
      const content = `${script}<!--${"x".repeat(70_000)}-->`;
      const path = "/tmp/approve.html";
      await run(gateway, "fs.write", { path, content });
      const { task_id: id } = await run(gateway, "fs.read", { path });
      const { artifacts } = await task(gateway, id, gateway.keys.approver);
      const target = `/artifacts/${artifacts[0]?.id}`;

      // As it is served: to be saved, not shown.
      const page = await seat.context.newPage();
      const downloading = page.waitForEvent("download");
      await page.goto(originOf(gateway) + target).catch(() => undefined);
      const download = await downloading;
      const file = join(gateway.directory, "saved.html");
      await download.saveAs(file);
      expect(readFileSync(file, "utf8")).toBe(content);

      // By a browser that shows it all the same, with the rest of its headers.
      await page.route(`**${target}`, async (route) => {
        const response = await route.fetch();
        const headers: Record<string, string> = {
          ...response.headers(),
          "content-type": "text/html",
        };
        delete headers["content-disposition"];
        await route.fulfill({ response, headers });
      });
      await page.goto(originOf(gateway) + target);
      expect(await page.title()).toBe("file");
      await page.waitForTimeout(SETTLE_MS);

      // Saved and opened from the disk, where its script does run.
      await page.goto(`file://${file}`);
      expect(await page.title()).toBe("run");
      await page.waitForTimeout(SETTLE_MS);
      await page.close();

      expect(await approvals(planned)).toEqual([]);
      expect(await isSignedIn()).toBe(true);
    });
  });

  describe("a thief", () => {
    it("I15 with a copy of the cookie has nothing once its person has signed out", async () => {
      const planned = await waiting();
      await using thief = await browser.sit(gateway);
      await thief.context.addCookies(await seat.context.cookies());
      expect(await isSignedIn(thief)).toBe(true);
      await thief.page.getByText("Live", { exact: true }).waitFor();
      await seat.open("/console/account");
      await seat.page.getByRole("button", { name: "Sign out" }).click();
      await seat.page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
      const statuses = await thief.page.evaluate(`Promise.all([
        fetch("/session"), fetch("/tasks"), fetch("/events"),
        fetch("/confirm", { method: "POST", headers: { "content-type": "application/json" },
          body: ${JSON.stringify(decision(planned))} }),
      ]).then((answers) => answers.map(({ status }) => status))`);
      expect(statuses).toEqual([401, 401, 401, 401]);
      await thief.open("/console");
      await thief.page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
      expect(await thief.page.locator(".row").count()).toBe(0);
      expect(await approvals(planned)).toEqual([]);
      await seat.page.getByRole("button", { name: "Sign in with a passkey" }).click();
      await seat.page.getByRole("heading", { name: "Olga Operator" }).waitFor();
    });

    it("of two who open one login link at once, one is let in", async () => {
      await seat.open("/console");
      const made = await seat.page.evaluate(`fetch("/people", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ role: "approver" }),
      }).then((answer) => answer.json())`);
      const { hash } = new URL((made as { url: string }).url);
      await using first = await browser.sit(gateway);
      await using second = await browser.sit(gateway);
      const seats = [first, second];
      const outcomes = await Promise.all(
        seats.map(async (each) => {
          await each.open(`/console${hash}`);
          const name = each.page.getByLabel("Your name");
          const alert = each.page.getByRole("alert");
          await name.or(alert).first().waitFor();
          return (await name.count()) === 1 ? "in" : await alert.innerText();
        }),
      );
      expect(outcomes.filter((outcome) => outcome === "in")).toHaveLength(1);
      expect(
        outcomes.filter((outcome) => outcome.includes("cannot be used any more")),
      ).toHaveLength(1);
      for (const each of seats) expect(each.page.url()).not.toContain("link=");
    });
  });
});
