import { SdkHttpError } from "@modelcontextprotocol/client";

/** What a person is told of a message that did not get through to the gateway at `url`. */
export function explainBridgeFault(error: unknown, url: URL): string {
  const at = url.origin;
  if (!(error instanceof SdkHttpError)) {
    return `The gateway at ${at} does not answer. Start it, or check GATEWAY_URL; then try again.`;
  }
  const known = EXPLANATIONS.get(error.status ?? 0);
  return `The gateway at ${at} refused (HTTP ${error.status}). ${known ?? problemOf(error.data)}`;
}

const EXPLANATIONS: ReadonlyMap<number, string> = new Map([
  [401, "API_TOKEN is missing, wrong or revoked."],
  [404, "There is no MCP server at this address, or the session ended; start this client anew."],
]);

/** What the gateway itself says of a refusal. */
function problemOf({ text }: SdkHttpError["data"]): string {
  try {
    const { detail, hint } = JSON.parse(String(text)) as { detail?: unknown; hint?: unknown };
    return [detail, hint].filter((part) => typeof part === "string").join(" ");
  } catch {
    return "";
  }
}
