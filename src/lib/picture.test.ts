import fc from "fast-check";
import { expect, test } from "vitest";
import { difference, fingerprint, markPath, markPoint, type Picture } from "./picture.ts";

function plain(width: number, height: number, shade: number): Picture {
  return { width, height, rgb: new Uint8Array(width * height * 3).fill(shade) };
}

function pixel({ width, rgb }: Picture, x: number, y: number): number[] {
  return [...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

const pictures = fc
  .record({ width: fc.integer({ min: 1, max: 60 }), height: fc.integer({ min: 1, max: 60 }) })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((rgb): Picture => ({ width, height, rgb })),
  );
const anywhere = fc.record({
  x: fc.integer({ min: -100, max: 100 }),
  y: fc.integer({ min: -100, max: 100 }),
});

for (const shade of [0, 90, 128, 200, 255]) {
  test(`a target stands out on shade ${shade} and leaves its own pixel visible`, () => {
    const before = plain(100, 80, shade);
    const marked = markPoint(before, { x: 50, y: 40 });
    const contrast = Math.max(
      ...Array.from({ length: 30 }, (_, right) => pixel(marked, 50 + right, 40)).map(([red = 0]) =>
        Math.abs(red - shade),
      ),
    );
    expect(contrast).toBeGreaterThan(100);
    expect(pixel(marked, 50, 40)).toEqual([shade, shade, shade]);
    expect(pixel(before, 65, 40)).toEqual([shade, shade, shade]);
  });
}

test("a way is drawn from point to point with a target at its end", () => {
  const marked = markPath(plain(200, 100, 255), [
    { x: 10, y: 10 },
    { x: 100, y: 10 },
    { x: 150, y: 60 },
  ]);
  for (const [x, y] of [
    [10, 10],
    [55, 10],
    [100, 10],
    [125, 35],
  ] as const) {
    expect(pixel(marked, x, y)).toEqual([255, 214, 0]);
  }
  expect(pixel(marked, 150, 60 + 15)).toEqual([255, 214, 0]);
  expect(pixel(marked, 10, 60)).toEqual([255, 255, 255]);
});

for (const turn of Array.from({ length: 16 }, (_, index) => (index * Math.PI) / 8)) {
  test(`a way of ${(turn / Math.PI).toFixed(3)} π has its whole width and outline all along`, () => {
    const [from, length] = [{ x: 100, y: 100 }, 70];
    const to = {
      x: Math.round(from.x + length * Math.cos(turn)),
      y: Math.round(from.y + length * Math.sin(turn)),
    };
    const marked = markPath(plain(200, 200, 255), [from, to]);
    const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y));
    for (let step = 0; step <= steps; step += 1) {
      const x = Math.round(from.x + ((to.x - from.x) * step) / steps);
      const y = Math.round(from.y + ((to.y - from.y) * step) / steps);
      // The target at its end is another drawing.
      if (Math.hypot(to.x - x, to.y - y) < 30) break;
      for (const [right, down] of [
        [0, 0],
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ] as const) {
        expect(pixel(marked, x + right, y + down)).toEqual([255, 214, 0]);
      }
      for (const [right, down] of [
        [2, 1],
        [1, 2],
        [-2, 1],
        [-1, 2],
        [2, -1],
        [1, -2],
        [-2, -1],
        [-1, -2],
      ] as const) {
        expect(pixel(marked, x + right, y + down)).not.toEqual([255, 255, 255]);
      }
    }
  });
}

test("a fingerprint does not change with what lies outside of its square", () => {
  const before = plain(100, 100, 50);
  const after = markPoint(before, { x: 90, y: 90 });
  const centre = { x: 30, y: 30 };
  expect(fingerprint(after, centre, 20)).toBe(fingerprint(before, centre, 20));
  expect(fingerprint(after, { x: 80, y: 80 }, 20)).not.toBe(
    fingerprint(before, { x: 80, y: 80 }, 20),
  );
});

test("a colour that is as bright as another is another", () => {
  const colour = (red: number, green: number) => {
    const picture = plain(64, 64, 0);
    for (let at = 0; at < picture.rgb.length; at += 3) picture.rgb.set([red, green, 0], at);
    return fingerprint(picture, { x: 32, y: 32 }, 20);
  };
  expect(difference(colour(0, 131), colour(255, 0))).toBe(1);
});

test("the difference is the share of cells that changed by more than 16", () => {
  const before = plain(64, 64, 100);
  const mark = (shade: number): string => {
    const after = plain(64, 64, 100);
    // The left half of what is looked at.
    for (let y = 0; y < 64; y += 1) after.rgb.fill(shade, y * 64 * 3, (y * 64 + 32) * 3);
    return fingerprint(after, { x: 32, y: 32 }, 100);
  };
  const first = fingerprint(before, { x: 32, y: 32 }, 100);
  expect(difference(first, mark(100))).toBe(0);
  expect(difference(first, mark(116))).toBe(0);
  expect(difference(first, mark(117))).toBe(0.5);
  expect(difference(first, mark(255))).toBe(0.5);
});

test("what is no fingerprint differs wholly", () => {
  const print = fingerprint(plain(9, 9, 1), { x: 1, y: 1 }, 3);
  for (const other of ["", "AAAA", `${print}AAAA`, "nonsense"]) {
    expect(difference(print, other)).toBe(1);
    expect(difference(other, other)).toBe(1);
  }
});

test("property: marking keeps the size and everything far away", () => {
  fc.assert(
    fc.property(pictures, anywhere, anywhere, (picture, point, other) => {
      for (const marked of [markPoint(picture, point), markPath(picture, [point, other])]) {
        expect(marked.rgb.length).toBe(picture.rgb.length);
        expect([marked.width, marked.height]).toEqual([picture.width, picture.height]);
      }
    }),
    { numRuns: 50 },
  );
});

test("property: a fingerprint has 256 cells for any point, and equals itself alone", () => {
  fc.assert(
    fc.property(pictures, anywhere, fc.integer({ min: 0, max: 80 }), (picture, point, radius) => {
      const print = fingerprint(picture, point, radius);
      expect(Buffer.from(print, "base64url").length).toBe(256 * 3);
      expect(difference(print, print)).toBe(0);
      const inverted = { ...picture, rgb: picture.rgb.map((value) => 255 - value) };
      const share = difference(print, fingerprint(inverted, point, radius));
      expect(share).toBe(difference(fingerprint(inverted, point, radius), print));
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }),
    { numRuns: 100 },
  );
});
