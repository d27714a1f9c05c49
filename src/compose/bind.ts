import { StartupError } from "../config/config.ts";

interface Place {
  readonly host: string;
  readonly port: number;
}

/** By the code of the system's error: whether host or port is at fault, and what is wrong with it. */
const PROBLEMS: Readonly<Record<string, ["host" | "port", (at: Place) => string]>> = {
  EADDRINUSE: ["port", ({ host, port }) => `${port} on ${host} is in use`],
  EACCES: ["port", ({ port }) => `${port} may not be bound by this user`],
  EADDRNOTAVAIL: ["host", ({ host }) => `${host} is not an address of this machine`],
  ENOTFOUND: ["host", ({ host }) => `${host} cannot be resolved`],
};

/** Starts a listener; throws StartupError that names the variable where its place cannot be had. */
export async function bind<Bound>(
  start: () => Promise<Bound>,
  at: Place,
  [hostVariable, portVariable]: readonly [host: string, port: string],
): Promise<Bound> {
  try {
    return await start();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!Object.hasOwn(PROBLEMS, code)) throw error;
    const [fault, describe] = PROBLEMS[code] ?? [];
    if (fault === undefined || describe === undefined) throw error;
    const variable = fault === "host" ? hostVariable : portVariable;
    throw new StartupError(variable, describe(at), "Set another one.", error);
  }
}
