import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditList } from "../../src/contract/audit.ts";
import { canMount, mountSmallDisk } from "../storage/disks.ts";
import { call } from "../support/call.ts";
import { run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const POLICY = {
  capabilities: {
    "fs.write": { enabled: true, allowed_paths: ["/tmp"], confirmation: "client" },
    "fs.edit": { enabled: true, allowed_paths: ["/tmp"], confirmation: "client" },
  },
};
const BIG = "y".repeat(200_000);

describe.skipIf(!canMount)("WORKDIR on a full file system (needs root to mount)", () => {
  const disk = canMount ? mountSmallDisk() : undefined;
  let gateway: Gateway;
  beforeAll(async () => {
    // What is its data directory elsewhere.
    gateway = await startGateway({ policy: POLICY, env: { WORKDIR: disk?.dataDir } });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    disk?.[Symbol.dispose]();
  });

  test("a file that does not fit is refused with its own code, and nothing of it stays", async () => {
    const folder = join(disk?.dataDir ?? "", "tmp");
    const a = { path: "/tmp/a.txt", content: "one\n" };
    expect(await run(gateway, "fs.write", a)).toMatchObject({ status: "completed" });
    disk?.fill(gateway);
    const attempts = [
      ["fs.write", { path: "/tmp/new.txt", content: BIG }],
      ["fs.write", { path: "/tmp/made/for/it.txt", content: BIG }],
      ["fs.write", { path: "/tmp/a.txt", content: BIG, mode: "overwrite" }],
      ["fs.write", { path: "/tmp/a.txt", content: BIG, mode: "append" }],
      ["fs.edit", { path: "/tmp/a.txt", old_text: "one", new_text: BIG }],
    ] as const;
    for (const [action, parameters] of attempts) {
      const { task_id, status, error } = await run(gateway, action, parameters);
      expect(status).toBe("failed");
      expect(error).toMatchObject({ code: "disk_full", step: 0 });
      expect(error?.detail).toContain(
        parameters.path.startsWith("/tmp/made") ? "/tmp/made" : parameters.path,
      );
      expect(error?.hint).toContain("Free space");
      const target = `/audit?task_id=${task_id}&type=step.finished`;
      const { body } = await call<AuditList>(
        gateway,
        "GET",
        target,
        undefined,
        gateway.keys.approver,
      );
      expect(body.records).toMatchObject([{ details: { outcome: "disk_full" } }]);
      expect(readdirSync(folder)).toEqual(["a.txt"]);
      expect(readFileSync(join(folder, "a.txt"), "utf8")).toBe("one\n");
    }
    expect(gateway.output).not.toContain("unforeseen error");
    disk?.free(gateway);
    expect(await run(gateway, "fs.write", { path: "/tmp/new.txt", content: BIG })).toMatchObject({
      status: "completed",
    });
  });
});
