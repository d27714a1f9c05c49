import { expect, test } from "vitest";
import { mediaTypeOf } from "./media-type.ts";

test.each([
  ["/a.txt", "hello", "text/plain"],
  ["/a.JSON", "{}", "application/json"],
  ["/a.svg", "<svg/>", "image/svg+xml"],
  ["/a", "", "text/plain"],
  ["/a.unknown", "hello", "text/plain"],
  ["/a.txt", "a\0b", "application/octet-stream"],
  ["/a.html", "\x89PNG\r\n\x1a\n", "image/png"],
  ["/a.png", "hello", "text/plain"],
  ["/a", "\xff\xd8\xff\xe0", "image/jpeg"],
  ["/a", "GIF89a", "image/gif"],
  ["/a", "RIFF\x01\x02\x03\x04WEBP", "image/webp"],
  ["/a", "RIFF\xff\x02\x03\x04WAVE", "application/octet-stream"],
  ["/a", "%PDF-1.7", "application/pdf"],
  ["/a.txt", "\xc3", "text/plain"],
])("of %s beginning %j is %s", (path, head, expected) => {
  expect(mediaTypeOf(path, Buffer.from(head, "latin1"))).toBe(expected);
});
