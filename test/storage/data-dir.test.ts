import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { startGateway, startRefused } from "../support/gateway.ts";
import { canMount } from "./disks.ts";

describe("a DATA_DIR that cannot be used is a start-up error without a stack", () => {
  test("another gateway runs on it", async () => {
    await using gateway = await startGateway();
    const said = await refusal(gateway.dataDir);
    expect(said).toContain(`Another gateway (process ${gateway.pid})`);
    expect(said).toContain("DATA_DIR");
  });

  test("its database is newer than the program", async () => {
    const folder = temporaryFolder();
    {
      await using gateway = await startGateway({ env: { DATA_DIR: join(folder, "data") } });
      await gateway.stop();
    }
    const file = join(folder, "data", "gateway.db");
    {
      using database = new DatabaseSync(file);
      database.exec("PRAGMA user_version = 99");
    }
    const said = await refusal(join(folder, "data"));
    expect(said).toContain(file);
    expect(said).toContain("schema version 99");
  });

  test("its database is none, or another program's", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "gateway.db");
    writeFileSync(file, "this is not a database, but a file that is long enough to be none");
    expect(await refusal(folder)).toContain(`${file} cannot be opened: file is not a database`);
    rmSync(file);
    {
      using database = new DatabaseSync(file);
      database.exec("CREATE TABLE other (x)");
    }
    expect(await refusal(folder)).toContain("a database of another program");
  });

  test("it is a file", async () => {
    const file = join(temporaryFolder(), "data");
    writeFileSync(file, "");
    expect(await refusal(file)).toContain(file);
  });

  test.skipIf(!canMount)("it is read-only (needs root to mount)", async () => {
    const folder = temporaryFolder();
    const mounted = join(folder, "mounted");
    mkdirSync(mounted);
    execFileSync("mount", ["-t", "tmpfs", "-o", "ro,mode=700", "none", mounted]);
    onTestFinished(() => void execFileSync("umount", ["--lazy", mounted]));
    expect(await refusal(mounted)).toMatch(/DATA_DIR: .*EROFS/);
  });
});

test("DATA_DIR and what stands in it belong to the gateway's user alone", async () => {
  await using gateway = await startGateway();
  await gateway.stop();
  const mode = (path: string) => statSync(path).mode & 0o777;
  expect(mode(gateway.dataDir)).toBe(0o700);
  expect(mode(join(gateway.dataDir, "gateway.db"))).toBe(0o600);
  expect(mode(join(gateway.dataDir, "audit-head.json"))).toBe(0o600);
});

/** What the program says when it ends at once. */
async function refusal(dataDir: string): Promise<string> {
  const { code, output } = await startRefused({ env: { DATA_DIR: dataDir } });
  expect(code).toBe(1);
  expect(output).not.toMatch(/^\s+at /m);
  return output;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bytebot-gateway-data-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
