import { domainToUnicode } from "node:url";
import Type from "typebox";
import type { RiskFactor } from "../policy/decision.ts";
import { MAX_URL_LENGTH, parseWebUrl } from "../policy/web-url.ts";
import { defineCapability } from "./define-capability.ts";
import { closed, opened } from "./schema-parts.ts";
import { named } from "./wording.ts";

export const browserOpen = defineCapability({
  action: "browser.open",
  description: "Open a web page in the browser",
  note: "Opens an http or https address in the desktop's browser and gives a screenshot.",
  defaultPolicy: {
    enabled: true,
    risk_level: "medium",
    allowed_domains: ["localhost", "*.example.com"],
  },
  openWorld: true,
  lists: ["allowed_domains"],
  grantCovers: "page",
  risk: "medium",
  lock: "desktop",
  parameters: closed({
    url: Type.String({
      minLength: 1,
      maxLength: MAX_URL_LENGTH,
      description: "An http or https URL, without user name.",
    }),
  }),
  result: opened({ url: Type.String() }),
  // What is no web URL stays as it is: the policy's check refuses it and says why.
  normalise({ url }) {
    const parsed = parseWebUrl(url);
    return { url: "problem" in parsed ? url : parsed.href };
  },
  facts: ({ url }) => ({ url }),
  riskFactors({ url }) {
    const parsed = parseWebUrl(url);
    if ("problem" in parsed) return [];
    const riskFactors: RiskFactor[] = [];
    if (parsed.namesPort)
      riskFactors.push({ reason: `the URL names port ${parsed.port}`, by: "one" });
    if (parsed.isAddress)
      riskFactors.push({ reason: "the URL's host is an IP address", by: "one" });
    return riskFactors;
  },
  summary: ({ url }) => `Open ${named(url)}`,
  preview({ url }) {
    const parsed = parseWebUrl(url);
    if ("problem" in parsed) return { kind: "text", text: url };
    const { href, host, port, path } = parsed;
    const readable = domainToUnicode(host);
    return {
      kind: "url",
      href,
      host,
      // Empty where the name is no valid punycode.
      ...(readable !== "" && readable !== host && { host_unicode: readable }),
      port: String(port),
      path,
    };
  },
});
