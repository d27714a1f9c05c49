import fc from "fast-check";
import { expect, test } from "vitest";
import { addCaption } from "./caption.ts";
import type { Picture } from "./picture.ts";
import { fitPicture, fittingSize } from "./scale-picture.ts";

const sizes = fc.record({
  width: fc.integer({ min: 1, max: 300 }),
  height: fc.integer({ min: 1, max: 300 }),
});

/** Black, but for a white rectangle. */
function rectangle(width: number, height: number, right: number, bottom: number): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < bottom; y += 1) rgb.fill(255, y * width * 3, (y * width + right) * 3);
  return { width, height, rgb };
}

test("a picture fits, keeps its shape and is never enlarged", () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 300 }), (size, maxSide) => {
      const { width, height } = fittingSize(size, maxSide);
      expect(Math.max(width, height)).toBeLessThanOrEqual(maxSide);
      if (Math.max(size.width, size.height) <= maxSide) expect({ width, height }).toEqual(size);
      const exact = size.height * (width / size.width);
      if (size.width >= size.height) expect(Math.abs(height - exact)).toBeLessThanOrEqual(1);
    }),
  );
});

test("one colour stays that colour, whatever the size", async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 0, max: 255 }), async (size, shade) => {
      const rgb = new Uint8Array(size.width * size.height * 3).fill(shade);
      const { width, height, rgb: scaled } = await fitPicture({ ...size, rgb }, 100);
      expect(scaled.length).toBe(width * height * 3);
      expect(scaled.every((value) => value === shade)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test("what is at a place of the picture is at the same place of the scaled one", async () => {
  const scaled = await fitPicture(rectangle(300, 150, 150, 75), 100);
  expect(scaled).toMatchObject({ width: 100, height: 50 });
  const at = (x: number, y: number) => scaled.rgb[(y * 100 + x) * 3];
  expect([at(0, 0), at(49, 24), at(50, 24), at(49, 25), at(99, 49)]).toEqual([255, 255, 0, 0, 0]);
  const half = await fitPicture(rectangle(2, 1, 1, 1), 1);
  expect([...half.rgb]).toEqual([128, 128, 128]);
});

test("a caption stands below the picture and changes nothing of it", () => {
  fc.assert(
    fc.property(sizes, fc.string(), (size, text) => {
      const rgb = new Uint8Array(size.width * size.height * 3).fill(90);
      const captioned = addCaption({ ...size, rgb }, text);
      expect(captioned.rgb.length).toBe(captioned.width * captioned.height * 3);
      expect(captioned.rgb.subarray(0, rgb.length)).toEqual(rgb);
    }),
  );
  const { rgb } = addCaption(rectangle(200, 1, 0, 0), "1.5");
  expect(rgb.some((value) => value === 255)).toBe(true);
});
