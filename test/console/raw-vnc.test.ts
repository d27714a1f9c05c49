import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { browserPath, ConsoleBrowser, type Seat } from "../support/console-browser.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { originOf } from "../support/people.ts";

/** Speaks RFB by itself, as a script in the console's own page might, and sends all kinds of input. */
const ATTACK = `(async () => {
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/desktops/bytebot/vnc");
  socket.binaryType = "arraybuffer";
  let bytes = 0;
  let grown = () => {};
  socket.onmessage = ({ data }) => { bytes += data.byteLength; grown(); };
  const until = async (size) => {
    while (bytes < size) await new Promise((resolve) => { grown = resolve; });
  };
  await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
  const send = (...values) => socket.send(Uint8Array.of(...values));
  await until(12);
  socket.send(new TextEncoder().encode("RFB 003.008\\n"));
  await until(14);
  send(1);
  await until(18);
  send(1);
  await until(18 + 24);
  send(5, 1, 0, 10, 0, 10);
  send(5, 0, 0, 10, 0, 10);
  send(4, 1, 0, 0, 0, 0, 0, 97);
  send(255, 0, 0, 1, 0, 0, 0, 97, 0, 0, 0, 30);
  send(6, 0, 0, 0, 0, 0, 0, 2, 104, 105);
  const before = bytes;
  send(3, 0, 0, 0, 0, 0, 0, 8, 0, 8);
  await until(before + 1);
  socket.close();
})()`;

describe.runIf(browserPath)("raw VNC of a script in the console (needs Chromium)", () => {
  const owned = new AsyncDisposableStack();
  let daemon: Daemon;
  let gateway: Gateway;
  let seat: Seat;
  beforeAll(async () => {
    daemon = owned.use(await startDaemon());
    gateway = owned.use(
      await startGateway({
        env: { BYTEBOT_URL: daemon.url, BYTEBOT_API_KEY: "none", DRIVER: "bytebot" },
      }),
    );
    const browser = owned.use(await ConsoleBrowser.open());
    seat = owned.use(await browser.sit(gateway));
    await seat.enrol("Olga Operator");
  });
  afterAll(() => owned.disposeAsync());

  it("I17 reaches nothing without a takeover, and does with one", async () => {
    const inputs = () => daemon.vncInput.filter(({ kind }) => kind !== "encodings");
    await seat.page.evaluate(ATTACK);
    // The picture was answered after all of it.
    expect(inputs()).toEqual([]);
    const status = await seat.page.evaluate(`fetch("/desktops/bytebot/takeover", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ minutes: 1 }),
    }).then(({ status }) => status)`);
    expect(status).toBe(200);
    await seat.page.evaluate(ATTACK);
    expect(inputs().length).toBeGreaterThan(0);
  });

  it("I17 is another origin's page's least of all", async () => {
    const page = await seat.context.newPage();
    await page.goto(`http://127.0.0.1:${gateway.port}/health`);
    const outcome = await page.evaluate(`new Promise((resolve) => {
      const socket = new WebSocket("${originOf(gateway).replace("http", "ws")}/desktops/bytebot/vnc");
      socket.onopen = () => resolve("open");
      socket.onerror = () => resolve("refused");
    })`);
    await page.close();
    expect(outcome).toBe("refused");
  });
});
