import { BlockList, isIP } from "node:net";

/** Turns the text of one variable into its value; throws ValueError where it cannot. */
export type ValueReader<Value> = (text: string) => Value;

/** What is wrong with a value, without the name of who has it. */
export class ValueError extends Error {
  override readonly name = "ValueError";
  readonly hint: string;

  constructor(problem: string, hint: string) {
    super(problem);
    this.hint = hint;
  }
}

const quote = (text: string) => JSON.stringify(text.slice(0, 80));

export function integer(minimum: number, maximum: number, usual: number): ValueReader<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new ValueError(
      `${quote(text)} is not a whole number from ${minimum} to ${maximum}`,
      `Usual: ${usual}.`,
    );
  };
}

/** A decimal number from `minimum` to `maximum`, given back as a whole number of smaller units. */
export function scaled(minimum: number, maximum: number, factor: number): ValueReader<number> {
  return (text) => {
    const value = /^\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return Math.round(value * factor);
    throw new ValueError(
      `${quote(text)} is not a number from ${minimum} to ${maximum}`,
      "Example: 10.",
    );
  };
}

/** One of the table's names, in upper or lower case, given back as what it stands for. */
export function oneOf<Value>(table: Readonly<Record<string, Value>>): ValueReader<Value> {
  const values = new Map(Object.entries(table).map(([name, value]) => [name.toLowerCase(), value]));
  return (text) => {
    const value = values.get(text.toLowerCase());
    if (value !== undefined) return value;
    const names = Object.keys(table).join(", ");
    throw new ValueError(`${quote(text)} is not one of ${names}`, "Upper or lower case.");
  };
}

/** Entries between commas or white space. */
export function listOf<Value>(read: ValueReader<Value>): ValueReader<readonly Value[]> {
  return (text) =>
    Object.freeze(
      text
        .split(/[\s,]+/)
        .filter((entry) => entry !== "")
        .map(read),
    );
}

/** An http or https URL without credentials, query or fragment; no slash at the end. */
export function baseUrl(text: string): string {
  const url = URL.parse(text);
  const plain = url !== null && !url.username && !url.password && !/[?#]/.test(text);
  if (plain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, "");
  throw new ValueError(
    // A URL may carry a password: it is not repeated.
    "is not an http or https URL without user name, query and fragment",
    "Example: https://gateway.example.com.",
  );
}

/** An address or name to bind. */
export function host(text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare) === 6 || isHostName(bare)) return bare.toLowerCase();
  throw new ValueError(`${quote(text)} is not an address or host name`, "Example: 127.0.0.1.");
}

/** A Host header: a name or address, IPv6 in brackets, perhaps with a port; in lower case. */
export function hostHeader(text: string): string {
  const [, name = "", bracketed] = /^(\[([^\]]*)\]|[^:]*)(?::\d{1,5})?$/.exec(text) ?? [];
  if (bracketed === undefined ? isHostName(name) : isIP(bracketed) === 6) return text.toLowerCase();
  throw new ValueError(
    `${quote(text)} is not a host name`,
    "Names between commas, each perhaps with a port, without http:// and without wildcards.",
  );
}

/** What a browser sends as Origin, or `*`. */
export function corsOrigin(text: string): string {
  const url = URL.parse(text);
  if (text === "*" || (url !== null && /^https?:$/.test(url.protocol) && url.origin === text)) {
    return text;
  }
  throw new ValueError(
    `${quote(text)} is not an origin`,
    "Scheme, host and port only, without a slash at the end: http://localhost:8080. Or *.",
  );
}

/** An address, a CIDR range, or a name for usual ranges. */
export function proxy(text: string): string {
  const [address = "", bits, ...rest] = text.split("/");
  const family = isIP(address);
  if (PROXY_NAMES.has(text)) return text;
  if (family !== 0 && rest.length === 0 && (bits === undefined || isPrefix(address, bits))) {
    return text;
  }
  throw new ValueError(
    `${quote(text)} is not an address or CIDR range`,
    `Example: 10.0.0.0/8. Or ${[...PROXY_NAMES].join(", ")}.`,
  );
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*$/i;
const PROXY_NAMES = new Set(["loopback", "linklocal", "uniquelocal"]);

/** All digits and dots is an address or nothing. */
function isHostName(text: string): boolean {
  return isIP(text) === 4 || (HOST_NAME.test(text) && !/^[\d.]+$/.test(text));
}

function isPrefix(address: string, bits: string): boolean {
  if (!/^\d{1,3}$/.test(bits)) return false;
  try {
    new BlockList().addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4");
    return true;
  } catch {
    return false;
  }
}
