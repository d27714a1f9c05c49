/** Ways to send pictures. */
const PICTURES = [0, 1, 2, 5, 6, 7, 16, 21, 50, -260];

/** What else a viewer may say it understands (the registry of RFB's pseudo-encodings). */
const PSEUDO = [
  /** DesktopSize, LastRect, Cursor, DesktopName */
  -223, -224, -239, -307,
  /** QEMU's extended key event and its lights */
  -258, -261,
  /** Fence, ContinuousUpdates */
  -312, -313,
  /** VMware's cursor */
  0x574d5664,
];

const FORWARDABLE: ReadonlySet<number> = new Set([...PICTURES, ...PSEUDO]);
const QUALITY = { from: -32, to: -23 };
const COMPRESSION = { from: -256, to: -247 };

/**
 * Whether the server may learn that a viewer understands an encoding. Those it does not learn of it
 * never uses: extended mouse buttons and the extended clipboard, which change how long messages are,
 * xvp, which shuts down, and whatever is not known here.
 */
export function isForwardable(encoding: number): boolean {
  return (
    FORWARDABLE.has(encoding) ||
    [QUALITY, COMPRESSION].some(({ from, to }) => encoding >= from && encoding <= to)
  );
}
