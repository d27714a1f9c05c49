import { createHash } from "node:crypto";
import { CARD_SCRIPT } from "./card-script.ts";
import { CARD_STYLE } from "./card-style.ts";

/** The one page of every card. What it shows it asks for with the token in its own address. */
export const CARD_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>A plan – ByteBot Gateway</title>
<style>${CARD_STYLE}</style>
<main>
<header><span id="risk" hidden></span><h1 id="headline">Asking the gateway…</h1></header>
<div id="plan"></div>
<div id="progress" hidden><progress max="100"></progress><p></p></div>
<div id="outcome"></div>
<p id="note" role="status"></p>
<div id="elsewhere" hidden>
<p><button id="copy" type="button">Copy the address of the approval page</button> <a target="_blank" rel="noopener noreferrer" hidden>Open the approval page</a></p>
<input id="address" readonly spellcheck="false" aria-label="The plan's address in the console">
<p id="copied" role="status"></p>
</div>
<div id="buttons"></div>
</main>
<noscript><p>This card needs JavaScript. The plan can be decided with <code>./gateway approve</code>.</p></noscript>
<script>${CARD_SCRIPT}</script>
</html>
`;

/**
 * What the page may do and who may frame it: the pages of CORS_ORIGINS; where none is named (or all
 * are, by `*`) those of this machine alone.
 */
export function cardPolicy(corsOrigins: readonly string[]): string {
  const named = corsOrigins.filter((origin) => origin !== "*");
  const ancestors = named.length > 0 ? named : LOCAL;
  return [
    "default-src 'none'",
    `script-src '${hashOf(CARD_SCRIPT)}'`,
    `style-src '${hashOf(CARD_STYLE)}'`,
    "connect-src 'self'",
    "img-src blob:",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${ancestors.join(" ")}`,
  ].join("; ");
}

const LOCAL = ["http://localhost:*", "http://127.0.0.1:*"];

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
