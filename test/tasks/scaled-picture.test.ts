import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodePng, encodePng, readPngSize } from "../../src/lib/png.ts";
import { call, signedFetch } from "../support/call.ts";
import { run, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

/** The address of a file that a task has read as a picture. */
async function pictureOf(name: string, bytes: Uint8Array): Promise<string> {
  writeFileSync(gateway.file(`/tmp/${name}`), bytes);
  const parameters = { path: `/tmp/${name}`, encoding: "base64" };
  const { task_id } = await run(gateway, "fs.read", parameters);
  const [artifact] = (await task(gateway, task_id)).artifacts;
  if (artifact === undefined) throw new Error("the picture is no artifact");
  return artifact.url;
}

const get = (path: string, method = "GET") => signedFetch(gateway, method, path);
const bytesOf = async (answer: Promise<Response>) =>
  Buffer.from(await (await answer).arrayBuffer());

/** The left half is white. */
async function halves(width: number, height: number): Promise<Uint8Array> {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    rgb.fill(255, y * width * 3, (y * width + width / 2) * 3);
  }
  return await encodePng({ width, height, rgb });
}

test("a large picture comes as small as it is asked for, with a line that says so", async () => {
  const png = await halves(1600, 800);
  const url = await pictureOf("large.png", png);
  expect(await bytesOf(get(url))).toEqual(Buffer.from(png));
  const answer = await get(`${url}?max_side=400`);
  expect(answer.headers.get("content-type")).toBe("image/png");
  const scaled = new Uint8Array(await answer.arrayBuffer());
  expect(answer.headers.get("content-length")).toBe(String(scaled.byteLength));
  const { width, height, rgb } = await decodePng(scaled, { maxPixels: 400 * 300 });
  expect(width).toBe(400);
  expect(height).toBeGreaterThan(200);
  const shade = (x: number, y: number) => rgb[(y * width + x) * 3];
  expect([shade(0, 0), shade(199, 199), shade(200, 0), shade(399, 199)]).toEqual([255, 255, 0, 0]);
  const caption = rgb.subarray(400 * 200 * 3);
  expect(caption.includes(255)).toBe(true);
  const head = await get(`${url}?max_side=400`, "HEAD");
  expect(head.headers.get("content-length")).toBe(String(scaled.byteLength));
});

test("what fits, is no PNG, or is a broken one comes as it is", async () => {
  const small = await halves(400, 100);
  const broken = Uint8Array.from(await halves(900, 100)).fill(7, 60, 80);
  const jpeg = Buffer.from("/9j/4AAQSkZJRgABAQEASABIAAD/2w==", "base64");
  const cases = [
    ["small.png", small],
    ["broken.png", broken],
    ["photo.jpg", jpeg],
  ] as const;
  for (const [name, bytes] of cases) {
    const url = await pictureOf(name, bytes);
    expect(await bytesOf(get(`${url}?max_side=400`))).toEqual(Buffer.from(bytes));
  }
});

test("I10 a picture that states more pixels than memory can hold is not unpacked", async () => {
  const bomb = Buffer.from(await halves(400, 100));
  bomb.writeUInt32BE(60_000, 16);
  bomb.writeUInt32BE(60_000, 20);
  expect(readPngSize(bomb).width).toBe(60_000);
  const url = await pictureOf("bomb.png", bomb);
  expect(await bytesOf(get(`${url}?max_side=400`))).toEqual(bomb);
});

test("another size is refused, and nobody sees another's picture by asking for one", async () => {
  const url = await pictureOf("mine.png", await halves(400, 100));
  for (const query of ["max_side=10", "max_side=9000", "max_side=x", "max_side=", "side=400"]) {
    const { status, body } = await call(gateway, "GET", `${url}?${query}`);
    expect([query, status, body]).toEqual([
      query,
      400,
      expect.objectContaining({ code: "invalid_request" }),
    ]);
  }
  const strange = await call(gateway, "GET", `${url}?max_side=400`, undefined, gateway.keys.api);
  expect(strange).toMatchObject({ status: 404, body: { code: "artifact_not_found" } });
});
