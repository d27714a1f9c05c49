import { crc32, deflateSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Picture } from "./picture.ts";
import { decodePng, encodePng, readPngSize } from "./png.ts";

const LIMIT = { maxPixels: 10_000 };

const pictures = fc
  .record({ width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 20 }) })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((rgb): Picture => ({ width, height, rgb })),
  );

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A PNG made by hand; `rows` hold a filter byte each. */
function png(
  header: { width: number; height: number; depth?: number; type: number; interlace?: number },
  rows: Uint8Array,
  others: Buffer[] = [],
): Buffer {
  const ihdr = Buffer.alloc(13);
  ihdr.writeUInt32BE(header.width, 0);
  ihdr.writeUInt32BE(header.height, 4);
  ihdr.set([header.depth ?? 8, header.type, 0, 0, header.interlace ?? 0], 8);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", ihdr),
    ...others,
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

test("property: what was encoded decodes to itself", async () => {
  await fc.assert(
    fc.asyncProperty(pictures, async (picture) => {
      const bytes = await encodePng(picture);
      expect(readPngSize(bytes)).toEqual({ width: picture.width, height: picture.height });
      const decoded = await decodePng(bytes, LIMIT);
      expect(Buffer.from(decoded.rgb)).toEqual(Buffer.from(picture.rgb));
    }),
  );
});

// Rows of one filter each, worked out by hand from section 9 of the specification.
test("every filter is undone", async () => {
  const rows = [
    [0, 10, 20, 30],
    [1, 10, 10, 10],
    [2, 1, 2, 3],
    [3, 10, 10, 10],
    [4, 5, 5, 5],
  ];
  const bytes = png({ width: 3, height: 5, type: 0 }, Buffer.from(rows.flat()));
  const { rgb } = await decodePng(bytes, LIMIT);
  const gray = [...rgb].filter((_, index) => index % 3 === 0);
  expect(gray).toEqual([10, 20, 30, 10, 20, 30, 11, 22, 33, 15, 28, 40, 20, 33, 45]);
});

const palette = chunk("PLTE", Buffer.from([1, 2, 3, 200, 100, 50]));
const KINDS = [
  ["gray", 0, [0, 7, 9], [7, 7, 7, 9, 9, 9], []],
  ["RGB", 2, [0, 1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], []],
  ["palette", 3, [0, 1, 0], [200, 100, 50, 1, 2, 3], [palette]],
  ["gray with alpha", 4, [0, 7, 255, 9, 0], [7, 7, 7, 9, 9, 9], []],
  ["RGB with alpha", 6, [0, 1, 2, 3, 255, 4, 5, 6, 0], [1, 2, 3, 4, 5, 6], []],
] as const;
for (const [name, type, rows, rgb, others] of KINDS) {
  test(`reads ${name}`, async () => {
    const bytes = png({ width: 2, height: 1, type }, Buffer.from(rows), [...others]);
    expect([...(await decodePng(bytes, LIMIT)).rgb]).toEqual(rgb);
  });
}

/** With another colour than its checksum was made for. */
function recoloured(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.indexOf("PLTE") + 4] = 99;
  return changed;
}

const two = { width: 2, height: 1, type: 0 };
const row = Buffer.from([0, 7, 9]);
const REFUSED: readonly [name: string, bytes: Buffer, reason: RegExp][] = [
  ["text", Buffer.from("this is not a picture at all, but it is long enough"), /not a PNG/],
  ["nothing", Buffer.alloc(0), /not a PNG/],
  ["no pixels", png({ ...two, width: 0 }, row), /no possible size/],
  ["a huge size", png({ ...two, width: 2 ** 31 - 1, height: 2 ** 31 - 1 }, row), /more than 10000/],
  ["too many pixels", png({ ...two, width: 101, height: 100 }, row), /more than 10000/],
  ["16 bits", png({ ...two, depth: 16 }, row), /8 bits/],
  ["an unknown colour type", png({ ...two, type: 5 }, row), /8 bits/],
  ["interlacing", png({ ...two, interlace: 1 }, row), /interlaced/],
  ["no palette", png({ ...two, type: 3 }, row), /no palette/],
  ["a colour not in it", png({ ...two, type: 3 }, row, [palette]), /colour it does not have/],
  ["an unknown filter", png(two, Buffer.from([5, 7, 9])), /unknown filter/],
  ["too few bytes", png(two, Buffer.from([0, 7])), /as many pixels/],
  ["an unknown critical part", png(two, row, [chunk("ABCD", row)]), /unknown extension/],
  ["a changed palette", recoloured(png({ ...two, type: 3 }, row, [palette])), /checksum/],
  ["a cut file", png(two, row).subarray(0, -5), /cut short/],
];
for (const [name, bytes, reason] of REFUSED) {
  test(`refuses ${name}`, async () => {
    await expect(decodePng(bytes, LIMIT)).rejects.toThrow(reason);
  });
}

test("does not unpack more than the header states", async () => {
  const bomb = png(two, Buffer.alloc(50_000_000));
  expect(bomb.length).toBeLessThan(100_000);
  await expect(decodePng(bomb, LIMIT)).rejects.toMatchObject({ code: "ERR_BUFFER_TOO_LARGE" });
});

test("skips parts that it need not know", async () => {
  const bytes = png(two, row, [chunk("tEXt", Buffer.from("Title\0x"))]);
  expect([...(await decodePng(bytes, LIMIT)).rgb]).toEqual([7, 7, 7, 9, 9, 9]);
});

test("property: cut and flipped pictures end in a picture or an error", async () => {
  const good = Buffer.from(
    await encodePng({ width: 9, height: 7, rgb: new Uint8Array(189).fill(5) }),
  );
  const flips = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(7)), { maxLength: 4 });
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(flips, fc.nat(good.length), async (changes, length) => {
      const bytes = Buffer.from(good.subarray(0, length));
      for (const [at, bit] of changes) {
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      }
      try {
        const picture = await decodePng(bytes, LIMIT);
        expect(picture.rgb.length).toBe(picture.width * picture.height * 3);
      } catch (error) {
        refused += 1;
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 500 },
  );
  expect(refused).toBeGreaterThan(0);
});

test("property: pixels that do not fit their checksum's data are refused or decoded, never more", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(0, 2, 3, 4, 6),
      async (data, type) => {
        const bytes = png({ width: 5, height: 4, type }, data, [palette]);
        const outcome = await decodePng(bytes, LIMIT).then(
          ({ rgb }) => rgb.length,
          (error: unknown) => error instanceof Error,
        );
        expect([60, true]).toContain(outcome);
      },
    ),
  );
});
