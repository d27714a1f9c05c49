import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KeySource } from "./key-source.ts";

let folder: string;
let file: string;
let source: KeySource | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "key-source-"));
  file = join(folder, "clients.json");
});
afterEach(async () => {
  await source?.[Symbol.dispose]();
  source = undefined;
  rmSync(folder, { recursive: true });
});

/** Keys with the ids of `ids`, read whenever the source asks. */
const open = (ids: () => string[], watch = true) =>
  new KeySource({
    file,
    watch,
    load: () =>
      ids().map((keyId) => ({
        principal: {
          keyId,
          scheme: "hmac",
          scopes: new Set(["read"] as const),
          capabilities: null,
          desktops: null,
          trustedApprovalSurface: false,
        },
        secret: Buffer.from(keyId),
      })),
  });
const reloaded = (of: KeySource) => new Promise<void>((resolve) => of.onReload(resolve));
const refused = (of: KeySource) => new Promise<string>((resolve) => of.onRefused(resolve));

describe("KeySource", () => {
  it("fills its ring at once and throws what loading throws", () => {
    source = open(() => ["a"], false);
    expect(source.ring.principal("a")).toBeDefined();
    const fail = () => {
      throw new Error("no keys");
    };
    expect(() => open(fail, false)).toThrow("no keys");
  });

  it("I15 follows a file that is written, replaced by renaming, or new", async () => {
    let ids = ["a", "b"];
    source = open(() => ids);
    const revoked: string[] = [];
    source.ring.onRevoked((id) => revoked.push(id));

    ids = ["a", "c"];
    let done = reloaded(source);
    writeFileSync(file, "new");
    await done;
    expect(revoked).toEqual(["b"]);

    ids = ["c"];
    done = reloaded(source);
    writeFileSync(`${file}~`, "other");
    renameSync(`${file}~`, file);
    await done;
    expect(revoked).toEqual(["b", "a"]);
  });

  it("keeps the keys and names the problem while the file is bad or gone, and recovers", async () => {
    writeFileSync(file, "good");
    let problem: string | undefined;
    source = open(() => {
      if (problem !== undefined) throw new Error(problem);
      return ["a"];
    });
    problem = "unknown key";
    let told = refused(source);
    writeFileSync(file, "bad");
    expect(await told).toBe("clients.json: unknown key");
    expect(source.problem).toBe("clients.json: unknown key");
    expect(source.ring.principal("a")).toBeDefined();

    told = refused(source);
    rmSync(file);
    expect(await told).toContain("gone");
    expect(source.ring.principal("a")).toBeDefined();

    problem = undefined;
    const done = reloaded(source);
    writeFileSync(file, "good again");
    await done;
    expect(source.problem).toBeUndefined();
  });

  it("reloads when told to, without a change of the file", async () => {
    let ids = ["a"];
    source = open(() => ids, false);
    ids = ["b"];
    await source.reload();
    expect(source.ring.principal("a")).toBeUndefined();
    expect(source.ring.principal("b")).toBeDefined();
  });
});
