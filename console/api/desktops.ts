import type {
  DesktopList,
  InputRequest,
  ReturnedView,
  TakeoverView,
} from "../../src/contract/desktop.ts";
import { ProblemError } from "./problem.ts";
import { request } from "./request.ts";

/** Under which the list of desktops is kept. */
export const DESKTOPS = ["desktops"] as const;

/** What the pages of desktops ask. */
export const desktopService = {
  list: (signal: AbortSignal) => request<DesktopList>("GET", "/desktops", { signal }),
  takeOver: (name: string, minutes: number) =>
    request<TakeoverView>("POST", `${at(name)}/takeover`, { body: { minutes } }),
  giveBack: (name: string) => request<ReturnedView>("DELETE", `${at(name)}/takeover`),
  act: (name: string, body: InputRequest) => request("POST", `${at(name)}/input`, { body }),
  picture,
  /** Where its VNC is: the same host, whatever its port and scheme. */
  vncUrl: (name: string) => {
    const { protocol, host } = location;
    return `${protocol === "https:" ? "wss" : "ws"}://${host}${at(name)}/vnc`;
  },
} as const;

function at(name: string): string {
  return `/desktops/${encodeURIComponent(name)}`;
}

/** @throws ProblemError as `request` does */
async function picture(name: string, signal: AbortSignal): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(`${at(name)}/picture`, { cache: "no-store", signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ProblemError(0, { code: "unreachable", detail: "The gateway does not answer." });
  }
  if (response.ok) return await response.blob();
  throw new ProblemError(response.status, await problemIn(response));
}

async function problemIn(response: Response) {
  try {
    const { code, detail, hint } = await response.json();
    if (typeof code === "string" && typeof detail === "string") {
      return { code, detail, ...(typeof hint === "string" && { hint }) };
    }
  } catch {
    // Something between this page and the gateway may answer what is no JSON.
  }
  return { code: "unreachable", detail: `There is no picture (status ${response.status}).` };
}
