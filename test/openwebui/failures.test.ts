import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { createServer, request as forward, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TASK_ERROR_CODES } from "../../src/contract/errors.ts";
import { task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { callTool, listOffered, python } from "./tool-driver.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const READ = { method: "read_file", args: { path: "/tmp/a.txt" } };

describe.runIf(python)("what goes wrong", () => {
  test("every code of the gateway has a message", async () => {
    const { advice } = await listOffered(gateway);
    expect(TASK_ERROR_CODES.filter((code) => !advice[code])).toEqual([]);
    const own = ["not_configured", "unreachable", "bad_answer", "tool_fault"];
    expect(Object.keys(advice).sort()).toEqual([...TASK_ERROR_CODES, ...own].sort());
  });

  test("a refusal says the rule and what is allowed", async () => {
    await using tool = callTool(gateway, { method: "read_file", args: { path: "/etc/passwd" } });
    const answer = await tool.answer();
    expect(answer).toMatchObject({ status: "not_done", code: "path_not_allowed" });
    expect(answer.detail).toContain("allowed_paths: /tmp, /home/user");
    expect(tool.statuses().at(-1)).toMatchObject({ done: true });
  });

  test("a task that failed says why", async () => {
    await using tool = callTool(gateway, { method: "read_file", args: { path: "/tmp/none" } });
    expect(await tool.answer()).toMatchObject({
      status: "failed",
      code: "file_not_found",
      message: expect.stringContaining("no such file"),
    });
  });

  const SETTINGS: [string, Record<string, unknown>, string][] = [
    ["nothing listens", { gateway_url: "http://127.0.0.1:9" }, "unreachable"],
    ["no address", { gateway_url: "localhost" }, "not_configured"],
    ["an odd port", { gateway_url: "http://localhost:99999" }, "not_configured"],
    ["no key", { secret: "" }, "not_configured"],
    ["a wrong secret", { secret: "a secret that is wrong" }, "signature_invalid"],
    ["a wrong token", { token: "a token that is wrong" }, "token_invalid"],
    ["a secret with a line break", { token: "tok\r\nX-Evil: en and more" }, "not_configured"],
    ["a CA file that is missing", { gateway_url: "https://x", ca_file: "/no" }, "not_configured"],
    ["plain HTTP behind https", { gateway_url: "https" }, "unreachable"],
  ];
  test.each(SETTINGS)("%s", async (_, valves, code) => {
    const url = valves.gateway_url === "https" ? gateway.url.replace("http", "https") : undefined;
    await using tool = callTool(gateway, READ, { ...valves, ...(url && { gateway_url: url }) });
    const answer = await tool.answer();
    expect(answer).toMatchObject({ status: "not_done", code });
    expect(tool.statuses().at(-1)).toMatchObject({ done: true });
    for (const secret of [valves.secret, valves.token].filter(Boolean)) {
      expect(JSON.stringify(tool.lines) + tool.errors).not.toContain(secret);
    }
  });

  test("the requester's own secret is no approver's", async () => {
    const { secret } = gateway.keys.default;
    await using tool = callTool(gateway, READ, { approver_secret: secret });
    expect(await tool.answer()).toMatchObject({ code: "not_configured" });
  });

  test("an approver's key that is wrong approves nothing, and what was planned ends", async () => {
    const args = { path: "/tmp/wrong.txt", content: "x" };
    const valves = { approver_secret: "not the approver's secret" };
    await using tool = callTool(gateway, { method: "write_file", args, answers: [true] }, valves);
    const answer = await tool.answer();
    expect(answer).toMatchObject({ code: "signature_invalid" });
    expect(await task(gateway, answer.task_id)).toMatchObject({ status: "cancelled" });
  });

  test("a gateway that dies while the person reads: a yes then runs nothing", async () => {
    await using mortal = await startGateway();
    const args = { path: "/tmp/late.txt", content: "x" };
    const call = { method: "write_file", args, answers: [{ do: "ask" }] };
    await using tool = callTool(mortal, call, { request_timeout_seconds: 5 });
    await tool.dialog();
    await mortal.kill();
    tool.say(true);
    expect(await tool.answer()).toMatchObject({ status: "not_done", code: "unreachable" });
    expect(tool.statuses().at(-1)).toMatchObject({ done: true });
    expect(existsSync(mortal.file(args.path))).toBe(false);
  });

  test("a gateway that dies while it runs: that it ran is not known, and nobody says it was not done", async () => {
    await using mortal = await startGateway();
    const call = { method: "wait", args: { seconds: 60 } };
    await using tool = callTool(mortal, call, { request_timeout_seconds: 1, poll_seconds: 0.2 });
    await tool.until(
      ({ kind, event }) => kind === "event" && event.data.description.startsWith("Running"),
    );
    await mortal.kill();
    const answer = await tool.answer();
    expect(answer).toMatchObject({ status: "unknown", code: "unreachable" });
    expect(answer.message).toContain("ask task_status");
    expect(tool.statuses().at(-1)?.description).toContain("Not known whether it ran");
    const args = { task_id: answer.task_id };
    await using asked = callTool(
      mortal,
      { method: "task_status", args },
      { request_timeout_seconds: 1, poll_seconds: 0.2 },
    );
    expect(await asked.answer()).toMatchObject({ status: "unknown", code: "unreachable" });
  });

  test("an approval whose answer is lost is not said to have done nothing", async () => {
    await using proxy = await startLosing(gateway, "/confirm");
    const args = { path: "/tmp/lost.txt", content: "x" };
    await using tool = callTool(
      gateway,
      { method: "write_file", args, answers: [true] },
      { gateway_url: proxy.url },
    );
    const answer = await tool.answer();
    expect(answer).toMatchObject({ status: "unknown", code: "unreachable" });
    expect(await task(gateway, answer.task_id)).toMatchObject({
      approvals: [{ key_id: "approver" }],
    });
  });

  const STRANGERS: [string, RequestListener][] = [
    ["a page", (_, response) => response.end("<html>hello</html>")],
    ["a list", (_, response) => response.end("[1]")],
    ["a redirect", (_, response) => response.writeHead(307, { location: "/x" }).end()],
    ["an empty object", (_, response) => response.end("{}")],
    ["deep JSON", (_, response) => response.end("[".repeat(100_000))],
  ];
  test.each(STRANGERS)("%s where the gateway should be", async (_, listener) => {
    let requests = 0;
    const server = createServer((request, response) => {
      requests += 1;
      listener(request, response);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await using tool = callTool(gateway, READ, { gateway_url: `http://127.0.0.1:${port}` });
    const answer = await tool.answer();
    expect(answer.status).toBe("not_done");
    expect(["bad_answer", "tool_fault"]).toContain(answer.code);
    expect(requests).toBe(1);
    server.close();
  });

  test("I7 no answer, status or dialog holds a secret, even one that the gateway repeats", async () => {
    const { secret } = gateway.keys.approver;
    writeFileSync(gateway.file("/tmp/leak.txt"), `secret: ${secret}`);
    await using tool = callTool(gateway, { method: "read_file", args: { path: "/tmp/leak.txt" } });
    expect((await tool.answer()).result?.content).toBe("secret: [secret]");
    expect(JSON.stringify(tool.lines)).not.toContain(secret);
    const { valves } = await listOffered(gateway);
    expect(valves).toContain("gateway_url");
    expect(valves).not.toContain(secret);
    expect(valves).not.toContain(gateway.keys.default.secret);
  });
});

/** Passes everything on to the gateway, and loses its answers from the first call of `path` on. */
async function startLosing({ url }: Gateway, path: string) {
  let isLosing = false;
  const server = createServer((incoming, outgoing) => {
    isLosing ||= incoming.url === path;
    const { method, headers } = incoming;
    const onward = forward(new URL(incoming.url ?? "/", url), { method, headers }, (answer) => {
      if (isLosing) {
        answer.resume();
        answer.on("end", () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
