import { expect, test } from "vitest";
import { failure } from "../../../../test/support/drivers/step/fixtures.ts";
import { Applications } from "./applications.ts";

const INSTALLED: Readonly<Record<string, string>> = {
  xterm: "/usr/bin/xterm",
  thunar: "/usr/bin/thunar",
  chromium: "/usr/bin/chromium",
  "firefox-esr": "/usr/bin/firefox-esr",
};
const find = (name: string): string | undefined => INSTALLED[name];
const shell = "/usr/bin/env";

test("finds what is installed, by what it is for", () => {
  const applications = new Applications({}, find);
  expect(applications.start("terminal").argv[0]).toBe("/usr/bin/xterm");
  expect(applications.start("directory").argv).toEqual(["/usr/bin/thunar"]);
  expect(applications.start("browser").argv[0]).toBe("/usr/bin/chromium");
  expect(applications.start("chromium").argv.at(-1)).toBe("about:blank");
  expect(applications.start("firefox").argv[0]).toBe("/usr/bin/firefox-esr");
  expect(applications.names).toEqual([
    ...["browser", "chromium", "directory", "firefox", "firefox-esr", "terminal"],
  ]);
});

test("says what to install, and how to add what it does not know", () => {
  const applications = new Applications({}, () => undefined);
  expect(applications.available("terminal")).toMatchObject({
    available: false,
    code: "desktop_unavailable",
    reason: expect.stringContaining("xterm, xfce4-terminal"),
    hint: expect.stringContaining("apt-get install xterm"),
  });
  expect(applications.browserAvailable()).toMatchObject({
    reason: expect.stringContaining("chromium, firefox"),
    hint: expect.stringContaining("apt-get install chromium"),
  });
  for (const name of ["unknown", "__proto__", "constructor"]) {
    expect(applications.available(name)).toMatchObject({
      hint: expect.stringContaining("config/desktop.json"),
    });
  }
  expect(() => applications.start("terminal")).toThrow(
    expect.objectContaining(failure("desktop_unavailable")),
  );
});

test("configured argument lists come first, and must name a program by its path", () => {
  const configured = {
    terminal: [shell, "--flag"],
    mine: ["/home/user/bin/mine"],
    bare: ["xterm"],
    gone: ["/usr/bin/not-installed-here"],
    ["__proto__"]: [shell],
  };
  const applications = new Applications(configured, find);
  expect(applications.start("terminal")).toEqual({ argv: [shell, "--flag"], env: {} });
  expect(applications.start("__proto__")).toEqual({ argv: [shell], env: {} });
  expect(applications.available("mine")).toEqual({ available: true });
  expect(applications.available("bare")).toMatchObject({
    reason: expect.stringContaining("applications.bare in config/desktop.json"),
    hint: expect.stringContaining("/usr/bin/xterm"),
  });
  expect(applications.available("gone")).toMatchObject({
    reason: expect.stringContaining("/usr/bin/not-installed-here"),
  });
});

test("I11 a browser knows one way out, loopback included, and keeps nothing in the workspace", () => {
  const { argv, env } = new Applications({}, find).startUrl("https://a.test/x?y#z");
  expect(argv).toContain("--proxy-server=http://127.0.0.1:3128");
  expect(argv).toContain("--proxy-bypass-list=<-loopback>");
  expect(argv).toContain("--force-webrtc-ip-handling-policy=disable_non_proxied_udp");
  expect(argv.slice(-2)).toEqual(["--", "https://a.test/x?y#z"]);
  expect(argv.join(" ")).not.toContain("/home/user");
  expect(env.HOME).not.toContain("/home/user");
});

test.each([
  "--no-sandbox",
  "-url",
  "file:///etc/passwd",
  "javascript:1",
  " http://a.test/",
  "http://",
  "",
])("a URL cannot become an option or leave http: %j", (url) => {
  expect(() => new Applications({}, find).startUrl(url)).toThrow(
    expect.objectContaining(failure("invalid_request")),
  );
});
