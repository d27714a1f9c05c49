import { PRIVATE, PROXY_PORT } from "./session-sandbox.ts";

/** How one kind of browser is started with a private profile. The same again opens a tab in it. */
export interface Browser {
  /** Names it is called by in plans. */
  readonly names: readonly string[];
  /** Programs, the first one installed is taken. */
  readonly programs: readonly string[];
  /** Debian's name for it. */
  readonly package: string;
  readonly options: readonly string[];
}

const CHROMIUM: Browser = {
  names: ["chromium"],
  programs: ["chromium", "chromium-browser"],
  package: "chromium",
  options: [
    // Its own sandbox needs user namespaces, which are off in ours: ours is the boundary, around the
    // browser as a whole.
    "--no-sandbox",
    `--user-data-dir=${PRIVATE}/chromium`,
    `--proxy-server=http://127.0.0.1:${PROXY_PORT}`,
    // Loopback too: what listens there is asked of the gateway's machine, where policy allows it.
    "--proxy-bypass-list=<-loopback>",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-features=OptimizationHints,MediaRouter,DialMediaRouteProvider",
    "--no-pings",
    "--no-first-run",
    "--no-default-browser-check",
    // No keyring, no graphics card: neither is waited for.
    "--password-store=basic",
    "--disable-gpu",
    "--start-maximized",
    // What follows is an address, whatever it looks like.
    "--",
  ],
};

const FIREFOX: Browser = {
  names: ["firefox", "firefox-esr"],
  programs: ["firefox", "firefox-esr"],
  package: "firefox-esr",
  options: ["--profile", `${PRIVATE}/firefox`],
};

/** In the order in which one is chosen to open a URL. */
export const BROWSERS: readonly Browser[] = [CHROMIUM, FIREFOX];
