/** What the probe is told of the world outside. */
export interface ProbeArgument {
  /** Places on this machine that must not answer. */
  readonly listeners: readonly { readonly host: string; readonly port: number }[];
  /** Name of an abstract unix socket, without its leading NUL. */
  readonly abstract: string;
  /** Socket of the egress proxy, as the sandbox sees it. */
  readonly egress: string;
  /** Directories of ours that must not be seen. */
  readonly hidden: readonly { readonly path: string; readonly dev: string; readonly ino: string }[];
}

/**
 * Runs inside the session's sandbox with Node. Each line of its output is a fact, like those of the
 * probe for every sandbox: `held: X` says that X was tried and refused.
 */
export const SESSION_PROBE = String.raw`
const { readdirSync, statSync } = require("node:fs");
const { request } = require("node:http");
const { connect } = require("node:net");
const { networkInterfaces } = require("node:os");

const { listeners, abstract, egress, hidden } = JSON.parse(process.argv[1]);
const say = (isHeld, what) => console.log((isHeld ? "held: " : "broke: ") + what);

const reached = (options) => new Promise((resolve) => {
  const socket = connect({ ...options, timeout: 2000 });
  const settle = (value) => { socket.destroy(); resolve(value); };
  socket.once("connect", () => settle(true));
  socket.once("error", () => settle(false)).once("timeout", () => settle(false));
});

const isOurs = ({ path, dev, ino }) => {
  try {
    const stats = statSync(path, { bigint: true });
    return String(stats.dev) === dev && String(stats.ino) === ino && readdirSync(path).length > 0;
  } catch { return false; }
};

const proxyAnswers = () => new Promise((resolve) => {
  request({ socketPath: egress, path: "http://self-test.invalid/", timeout: 10000 })
    .once("response", (response) => { response.resume(); resolve(true); })
    .once("timeout", () => resolve(false)).once("error", () => resolve(false)).end();
});

(async () => {
  say(Object.keys(networkInterfaces()).every((name) => name === "lo"), "network interfaces");
  const tcp = await Promise.all(listeners.map(reached));
  say(!tcp.includes(true), "connect to the gateway's machine");
  say(!(await reached({ path: "\0" + abstract })), "abstract unix sockets");
  say(!hidden.some(isOurs), "see the gateway's directories");
  console.log((await proxyAnswers()) ? "works: proxy" : "fails: proxy");
  console.log("done");
  process.exit(0);
})();
`;

/** Everything the probe must have found to hold. */
export const SESSION_HOLDS = [
  "network interfaces",
  "connect to the gateway's machine",
  "abstract unix sockets",
  "see the gateway's directories",
];
