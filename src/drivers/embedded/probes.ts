/** An attempt at what must be impossible inside a sandbox. */
export interface Probe {
  /** What it tries: what is said of a sandbox in which it succeeds. */
  readonly name: string;
  /**
   * For `sh`: succeeds where the attempt did. Values arrive as variables, never inside the text: $port
   * of ours, $canary is a file of ours, $facts what FACT_SCRIPT has found out.
   */
  readonly attempt: string;
  /** Absent: of every sandbox. */
  readonly of?: SandboxKind;
}

export type SandboxKind = "commands" | "desktop";

/** perl is on most machines; where it is not, the line of /proc/self/status decides alone. */
const opensSocket = (family: number): string =>
  `perl -e 'socket(my $s, ${family}, 1, 0) or exit 1'`;
const CALLS_KEYCTL = `perl -e 'exit(syscall($ARGV[0], 0, -3, 0) < 0)' "$keyctl"`;
const AF_UNIX = 1;
const AF_VSOCK = 40;

/** `$facts` says that it was withheld. Whatever says nothing was not. */
const notWithheld = (what: string): string =>
  `! printf '%s\\n' "$facts" | grep -qx "withheld: ${what}"`;

/** Every probe of every sandbox. */
export const PROBES: readonly Probe[] = [
  { name: "write /proc/sys", attempt: "echo 60 > /proc/sys/vm/swappiness" },
  { name: "write /usr", attempt: "echo x > /usr/.bytebot-probe" },
  { name: "write /", attempt: "echo x > /.bytebot-probe" },
  { name: "remount", attempt: "mount -o remount,rw /usr || mount -t tmpfs none /tmp" },
  { name: "nested user namespace", attempt: "unshare --user true" },
  {
    name: "connect to the gateway's loopback",
    // Where there is no bash, the network namespace, which is compared anyway, decides alone.
    attempt: `bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0"' "$port"`,
  },
  { name: "read a file outside", attempt: 'cat "$canary"' },
  { name: "capabilities", attempt: '! grep -q "^CapBnd:[[:space:]]*0*$" /proc/self/status' },
  { name: "new privileges", attempt: '! grep -q "^NoNewPrivs:[[:space:]]*1$" /proc/self/status' },
  {
    name: "unfiltered system calls",
    attempt: '! grep -q "^Seccomp:[[:space:]]*2$" /proc/self/status',
  },
  { name: "read the key rings", attempt: "cat /proc/keys" },
  { name: "use the key rings", attempt: CALLS_KEYCTL },
  { name: "sockets to other virtual machines", attempt: opensSocket(AF_VSOCK) },
  { name: "be spared where memory runs out", attempt: "echo 0 > /proc/self/oom_score_adj" },
  { name: "unix sockets", attempt: opensSocket(AF_UNIX), of: "commands" },
  ...[
    "network interfaces",
    "connect to the gateway's machine",
    "abstract unix sockets",
    "see the gateway's directories",
  ].map((name): Probe => ({ name, attempt: notWithheld(name), of: "desktop" })),
];

/** What FACT_SCRIPT is told of the workspace outside. */
export interface FactArgument {
  /** Places on this machine that must not answer. */
  readonly listeners: readonly { readonly host: string; readonly port: number }[];
  /** Name of an abstract unix socket, without its leading NUL. */
  readonly abstract: string;
  /** Socket of the egress proxy, as the sandbox sees it. */
  readonly egress: string;
  /** Directories of ours that must not be seen. */
  readonly hidden: readonly { readonly path: string; readonly dev: string; readonly ino: string }[];
}

/** What FACT_SCRIPT writes where the way out works. */
export const PROXY_WORKS = "works: proxy";

/**
 * Runs inside with Node, where there is one: what a shell cannot try. Each line of its output is a
 * fact: `withheld: X` says that X was tried and refused.
 */
export const FACT_SCRIPT = String.raw`
const { readdirSync, statSync } = require("node:fs");
const { request } = require("node:http");
const { connect } = require("node:net");
const { networkInterfaces } = require("node:os");

const { listeners, abstract, egress, hidden } = JSON.parse(process.argv[1]);
const say = (isWithheld, what) => { if (isWithheld) console.log("withheld: " + what); };

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
  if (await proxyAnswers()) console.log("works: proxy");
  process.exit(0);
})();
`;
