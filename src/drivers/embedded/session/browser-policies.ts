/** Where browsers of one kind look for what their administrator decided. */
const CHROMIUM_FILES = ["chromium", "opt/chrome"].map(
  (name) => `/etc/${name}/policies/managed/desktop.json`,
);
const FIREFOX_FILES = ["firefox", "firefox-esr"].map(
  (name) => `/etc/${name}/policies/policies.json`,
);

/**
 * Read-only files that hold browsers of the session to the proxy at `host:port`, and to silence
 * otherwise. The network namespace has no other way out anyway; this spares pages the attempts.
 */
export function browserPolicies(proxy: string): Record<string, string> {
  const chromium = JSON.stringify(chromiumPolicy(proxy));
  const firefox = JSON.stringify(firefoxPolicy(proxy));
  return Object.fromEntries([
    ...CHROMIUM_FILES.map((file) => [file, chromium]),
    ...FIREFOX_FILES.map((file) => [file, firefox]),
  ]);
}

function chromiumPolicy(proxy: string): Record<string, unknown> {
  return {
    ProxySettings: {
      ProxyMode: "fixed_servers",
      ProxyServer: `http://${proxy}`,
      // Loopback too: what listens there is the gateway's machine, reached where policy allows.
      ProxyBypassList: "<-loopback>",
    },
    WebRtcIPHandling: "disable_non_proxied_udp",
    QuicAllowed: false,
    DnsOverHttpsMode: "off",
    BuiltInDnsClientEnabled: false,
    BackgroundModeEnabled: false,
    BrowserSignin: 0,
    SyncDisabled: true,
    ComponentUpdatesEnabled: false,
    MetricsReportingEnabled: false,
    SafeBrowsingProtectionLevel: 0,
    SearchSuggestEnabled: false,
    NetworkPredictionOptions: 2,
    SpellCheckServiceEnabled: false,
    TranslateEnabled: false,
    PasswordManagerEnabled: false,
    AutofillAddressEnabled: false,
    AutofillCreditCardEnabled: false,
    DefaultBrowserSettingEnabled: false,
    PromotionsEnabled: false,
    RestoreOnStartup: 5,
    NewTabPageLocation: "about:blank",
    HomepageLocation: "about:blank",
    DefaultNotificationsSetting: 2,
    DownloadDirectory: "/home/user/Downloads",
    ExtensionInstallBlocklist: ["*"],
    // Its bar about --no-sandbox would cover a part of every page.
    CommandLineFlagSecurityWarningsEnabled: false,
  };
}

function firefoxPolicy(proxy: string): Record<string, unknown> {
  const locked = (value: unknown) => ({ Value: value, Status: "locked" });
  return {
    policies: {
      Proxy: {
        Mode: "manual",
        Locked: true,
        HTTPProxy: proxy,
        UseHTTPProxyForAllProtocols: true,
        Passthrough: "",
      },
      DNSOverHTTPS: { Enabled: false, Locked: true },
      AppAutoUpdate: false,
      BackgroundAppUpdate: false,
      DisableAppUpdate: true,
      DisableFirefoxAccounts: true,
      DisableFirefoxStudies: true,
      DisableTelemetry: true,
      DontCheckDefaultBrowser: true,
      ExtensionUpdate: false,
      InstallAddonsPermission: { Default: false },
      NetworkPrediction: false,
      NoDefaultBookmarks: true,
      OfferToSaveLogins: false,
      OverrideFirstRunPage: "",
      OverridePostUpdatePage: "",
      SearchSuggestEnabled: false,
      Homepage: { URL: "about:blank", StartPage: "none" },
      NewTabPage: false,
      DefaultDownloadDirectory: "/home/user/Downloads",
      Preferences: {
        "network.proxy.allow_hijacking_localhost": locked(true),
        "network.http.http3.enable": locked(false),
        "network.captive-portal-service.enabled": locked(false),
        "network.connectivity-service.enabled": locked(false),
        "media.peerconnection.enabled": locked(false),
        "browser.safebrowsing.malware.enabled": locked(false),
        "browser.safebrowsing.phishing.enabled": locked(false),
      },
    },
  };
}
