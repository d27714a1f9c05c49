import { createServer } from "node:net";
import { GatewayRequestError } from "../../client/client.ts";
import type { Settings } from "../credentials.ts";
import { durationText } from "../render-plan.ts";
import type { Session } from "../session.ts";
import { type Finding, fault, ok, warning } from "./finding.ts";

const TIMEOUT_MS = 5000;
/** A signature holds five minutes around the gateway's time by default. */
const SKEW_FAULT_S = 300;
const SKEW_WARNING_S = 30;

/** The running gateway: reachable, ready, on the same time, and taking the secrets at hand. */
export async function checkServer(session: Session): Promise<Finding[]> {
  const { url } = session;
  let answer: Response;
  try {
    answer = await fetch(new URL("health", url.endsWith("/") ? url : `${url}/`), {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await answer.arrayBuffer();
  } catch {
    return [
      warning("server", `nothing answers at ${url}`, `Start it: ${session.output.program} serve`),
      await checkPort(session.settings),
    ];
  }
  if (!answer.ok) {
    return [fault("server", `${url} answers ${answer.status}`, "Is another program on this port?")];
  }
  return [
    ok("server", `${url} answers`),
    checkClock(answer.headers.get("date")),
    ...(await checkReady(session)),
    await checkSecret(session, "requester"),
    ...(session.settings.has("approver") ? [await checkSecret(session, "approver")] : []),
  ];
}

/** Whether a gateway could take its port. */
async function checkPort(settings: Settings): Promise<Finding> {
  const port = Number(settings.get("PORT") ?? "8089");
  const host = settings.get("HOST") ?? "127.0.0.1";
  const server = createServer();
  const refused = await new Promise<string | undefined>((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => resolve(undefined));
  });
  server.close();
  if (refused === undefined) return ok("port", `${host}:${port} is free`);
  return fault(
    "port",
    `${host}:${port} cannot be taken (${refused})`,
    refused === "EADDRINUSE"
      ? "Another program has it: set PORT, or end that program."
      : "Set HOST and PORT to what this user may bind.",
  );
}

function checkClock(date: string | null): Finding {
  const theirs = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs))
    return warning("clock", "the gateway does not tell its time", "Is a proxy before it?");
  // The header counts whole seconds.
  const skew = Math.max(0, Math.abs(Date.now() - theirs) / 1000 - 1);
  const detail = `${durationText(skew)} apart`;
  const hint = "Set the clocks by NTP: a signature's time must lie within the gateway's window.";
  if (skew > SKEW_FAULT_S) return fault("clock", detail, hint);
  return skew > SKEW_WARNING_S ? warning("clock", detail, hint) : ok("clock", "the same time");
}

async function checkReady(session: Session): Promise<Finding[]> {
  try {
    const { parts } = await session.anonymous(0).ready({ signal: AbortSignal.timeout(TIMEOUT_MS) });
    return Object.entries(parts).map(([name, part]) => {
      const detail = part.detail ?? (part.ok ? "ok" : "not ready");
      const hint = part.hint ?? "See the gateway's log.";
      if (!part.ok) return fault(`ready: ${name}`, detail, hint);
      return part.degraded === undefined
        ? ok(`ready: ${name}`, detail)
        : warning(`ready: ${name}`, detail, hint);
    });
  } catch (error) {
    return [fault("ready", messageOf(error), "See the gateway's log.")];
  }
}

async function checkSecret(session: Session, role: "requester" | "approver"): Promise<Finding> {
  const name = `${role}'s secret`;
  try {
    const client = role === "approver" ? session.approverAtHand() : session.client("requester");
    if (client === undefined) return warning(name, "is not here", "Set APPROVER_SECRET.");
    await client.tasks({ limit: 1 }, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return ok(name, `${session.settings.sourceOf(role)} is accepted`);
  } catch (error) {
    const hint = error instanceof Error && "hint" in error ? String(error.hint) : "See the log.";
    return error instanceof GatewayRequestError
      ? fault(name, messageOf(error), hint)
      : warning(name, messageOf(error), hint);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
