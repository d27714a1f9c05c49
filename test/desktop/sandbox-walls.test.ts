import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../src/capabilities/default-policy.ts";
import type { TaskView } from "../../src/contract/task.ts";
import { sees } from "../bytebot/x-tools.ts";
import { call } from "../support/call.ts";
import { openEvents } from "../support/events.ts";
import { approve, plan, run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { fileWith } from "./file-with.ts";
import { processesUnder } from "./processes.ts";

/** Serves a socket in WORKDIR that leads to the desktop's way out, for whoever may connect. */
const RELAY = `
const { chmodSync, writeFileSync } = require("node:fs");
const { connect, createServer } = require("node:net");
createServer((from) => from.on("error", () => {}).pipe(connect(3128, "127.0.0.1")).pipe(from))
  .listen("/tmp/relay.sock", () => {
    chmodSync("/tmp/relay.sock", 0o777);
    writeFileSync("/tmp/ready", "ready");
  });
`;

/** Asks through that socket, as a command without a network of its own. */
const ASK = (url: string) => `use Socket;
  socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die "no socket: $!\\n";
  connect($s, sockaddr_un("/tmp/relay.sock")) or die "no connection: $!\\n";
  syswrite($s, "GET ${url} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"); print <$s>;`;

describe.runIf(sees("Xvfb", "openbox", "bwrap", "perl"))("what a command is kept from", () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({
      policy: POLICY,
      config: {
        "desktop.json": { applications: { relay: ["/run/gateway/node", "/tmp/relay.cjs"] } },
      },
    });
  });

  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
  });

  test("I11 the network of the desktop, through a socket in WORKDIR", async () => {
    const arrived: string[] = [];
    const site = createServer((request, response) => {
      arrived.push(String(request.url));
      response.end("a site");
    }).listen(0, "127.0.0.1");
    await once(site, "listening");
    await run(gateway, "fs.write", { path: "/tmp/relay.cjs", content: RELAY });
    expect(await run(gateway, "app.open", { application: "relay" })).toMatchObject({
      status: "completed",
    });
    await fileWith(gateway.file("/tmp/ready"), "ready");
    const url = `http://localhost:${(site.address() as AddressInfo).port}/through`;
    const asked = await run(gateway, "shell.run", { command: ["perl", "-e", ASK(url)] });
    site.close();
    expect(asked.result).toMatchObject({
      stdout: "",
      stderr: "no socket: Address family not supported by protocol\n",
    });
    expect(arrived).toEqual([]);
  });

  test("holding up its cancel where the sandbox around it is stopped", async () => {
    await using events = await openEvents(gateway);
    const command = ["sh", "-c", "echo up > /tmp/up; sleep 1000; true"];
    const planned = await plan(gateway, "shell.run", { command });
    await approve(gateway, planned);
    await call(gateway, "POST", "/execute", { task_id: planned.task_id });
    await fileWith(gateway.file("/tmp/up"), "up\n");
    const sandbox = processesUnder(gateway.pid).filter(({ pid, name }) => {
      const below = processesUnder(pid).map((child) => child.name);
      return name === "bwrap" && below.includes("sh");
    });
    const [outer] = sandbox;
    if (outer === undefined) throw new Error("the command runs in no sandbox");
    process.kill(outer.pid, "SIGSTOP");
    const path = `/tasks/${planned.task_id}/cancel`;
    const cancelled = await call<TaskView>(gateway, "POST", path, {});
    expect(cancelled.status).toBeLessThan(300);
    await outer.ended;
    await events.until("task_cancelled", planned.task_id);
  });
});

const POLICY = {
  ...DEFAULT_POLICY,
  capabilities: {
    ...DEFAULT_POLICY.capabilities,
    "app.open": { enabled: true, allowed_apps: ["relay"] },
    "shell.run": { enabled: true, allowed_commands: ["perl", "sh"] },
  },
};
