import fc from "fast-check";

const nasty = fc.constantFrom(
  ..."\0\n\r\t\u001b\u007f\u0085\u00a0\u00ad\u200b\u200d\u202e\u2028\u3164\ufeff\ud800\udfff/\\\"'`$.%@:#?",
);
// fast-check's own "binary" unit takes more than a second of the first test that uses it.
const anyCodePoint = fc
  .integer({ min: 0, max: 0x10ffff })
  .map((code) => String.fromCodePoint(code));
const ascii = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code));

/** Any text at all for tests, lone surrogates included, leaning towards what breaks displays and parsers. */
export const anyText = fc
  .array(fc.oneof(ascii, nasty, anyCodePoint), { maxLength: 20 })
  .map((characters) => characters.join(""));
