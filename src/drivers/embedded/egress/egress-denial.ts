import { type EgressTarget, placeOf } from "./egress-target.ts";

/** Why a request goes no further, for the program that made it and whoever looks at its screen. */
export interface Denial {
  readonly status: 400 | 403 | 502 | 504;
  readonly reason: string;
  readonly hint: string;
}

const TITLES: Readonly<Record<Denial["status"], string>> = {
  400: "Bad Request",
  403: "Forbidden",
  502: "Bad Gateway",
  504: "Gateway Timeout",
};

export const NOT_A_PROXY_REQUEST: Denial = {
  status: 400,
  reason: "the request names no http or https place to go to",
  hint: "Programs of this desktop reach the network through this proxy alone.",
};

export function refusedByRule(target: EgressTarget, reason: string): Denial {
  return {
    status: 403,
    reason: `${placeOf(target)} is not opened from this desktop: ${reason}`,
    hint: "The operator's policy lists what may be opened (allowed_domains of browser.open).",
  };
}

export function notReached(target: EgressTarget, reason: string): Denial {
  return { status: 502, reason: `${placeOf(target)} was not reached: ${reason}`, hint: "" };
}

/** The whole answer, for a connection that closes after it. */
export function rawDenial(denial: Denial): string {
  const body = refusalBody(denial);
  const fields = Object.entries(refusalFields(body)).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const line = `HTTP/1.1 ${denial.status} ${TITLES[denial.status]}\r\n`;
  return `${line}${fields.join("")}Connection: close\r\n\r\n${body}`;
}

export function refusalFields(body: string): Record<string, string> {
  return {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Length": `${Buffer.byteLength(body)}`,
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
  };
}

export function refusalBody({ status, reason, hint }: Denial): string {
  const title = `${status} ${TITLES[status]}`;
  const said = [reason, hint].map((text) => `<p>${asHtml(text)}</p>`).join("\n");
  return `<!doctype html>\n<meta charset="utf-8">\n<title>${title}</title>\n<h1>${title}</h1>\n${said}\n`;
}

function asHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
