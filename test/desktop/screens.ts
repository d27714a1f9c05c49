import type { ExecuteView } from "../../src/contract/requests.ts";
import { decodePng } from "../../src/lib/png.ts";
import { authHeaders } from "../support/call.ts";
import type { Credentials, Gateway } from "../support/gateway.ts";

export type Colour = readonly [red: number, green: number, blue: number];

/** The picture behind a path of the gateway, decoded. */
export async function fetchPicture(
  gateway: Gateway,
  path: string,
  credentials: Credentials = gateway.keys.default,
) {
  const headers = authHeaders(credentials, "GET", path, "");
  const answer = await fetch(gateway.url + path, { headers });
  if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}`);
  if (answer.headers.get("content-type") !== "image/png") throw new Error(`${path} is no PNG`);
  return decodePng(await answer.bytes(), { maxPixels: 10_000_000 });
}

/** The screenshot that a finished task left. */
export async function screenshotOf(gateway: Gateway, { artifacts = [] }: ExecuteView) {
  const [artifact] = artifacts;
  if (artifact === undefined) throw new Error("there is no artifact");
  return fetchPicture(gateway, artifact.url);
}

/** The share of pixels that have exactly this colour, 0 to 1. */
export function shareOf({ rgb }: { rgb: Uint8Array }, [red, green, blue]: Colour): number {
  let count = 0;
  for (let at = 0; at < rgb.length; at += 3) {
    if (rgb[at] === red && rgb[at + 1] === green && rgb[at + 2] === blue) count += 1;
  }
  return count / (rgb.length / 3);
}
