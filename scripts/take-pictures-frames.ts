import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What stands around the things that are photographed, as HTML; each says what it is. */
const PAGE = `
html { background: #fff }
body { display: flex; flex-direction: column; box-sizing: border-box; padding: 12px; font: 14px/1.5 "DejaVu Sans", sans-serif; background: #f3f4f6 }
iframe { order: 2; background: #fff; border-radius: 10px }
.frame { order: 1; color: #4b5563; font-size: 13px; padding: 0 4px 8px }
.box { order: 3; background: #fff; border: 1px solid #c4c9d1; border-radius: 10px; padding: 14px 18px }
.box h1 { font-size: 16px; margin: 0 0 8px }
.box pre { font: 12px/1.45 "DejaVu Sans Mono", monospace; background: #f3f4f6; padding: 8px 10px; border-radius: 6px; margin: 8px 0; white-space: pre-wrap; overflow-wrap: anywhere }
.box img { max-width: 100%; display: block; border: 1px solid #c4c9d1; margin: 8px 0 }
.buttons { text-align: right; color: #4b5563 } .buttons span { border: 1px solid #9ca3af; border-radius: 6px; padding: 4px 14px; margin-left: 8px; display: inline-block }
.terminal { order: 3; margin: 0; background: #1f2430; color: #d9dce3; border-radius: 8px; padding: 14px 16px; font: 13px/1.45 "DejaVu Sans Mono", monospace; white-space: pre-wrap }
`;

const inHtml = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** Around a card: a page of another origin with an iframe, as a chat shows one. */
export function chatFrame(): string {
  return `<style>${PAGE}</style>
<div class="frame">A stand-in for the chat: a page of another origin that shows the gateway's card in an iframe</div>`;
}

export interface Dialog {
  readonly title: string;
  readonly message: string;
}

/** The title and the Markdown of a dialog, set plainly. */
export function dialogFrame({ title, message }: Dialog): string {
  return `<!doctype html><style>${PAGE}</style>
<div class="frame">Not a picture of Open WebUI: what the tool gives to Open WebUI's dialog, set plainly</div>
<div class="box"><h1>${inHtml(title)}</h1>${htmlOf(message)}
<div class="buttons"><span>Cancel</span><span>Confirm</span></div></div>`;
}

/** As much of Markdown as the tool writes: bold text, pictures, fenced blocks. */
function htmlOf(markdown: string): string {
  return markdown
    .split(/(^```text\n[\s\S]*?\n```$)/m)
    .map((part) => {
      const fenced = /^```text\n([\s\S]*)\n```$/.exec(part);
      if (fenced !== null) return `<pre>${inHtml(fenced[1] ?? "")}</pre>`;
      return inHtml(part)
        .replaceAll(/!\[\w+\]\(([^)]+)\)/g, '<img src="$1" alt="">')
        .replaceAll(/\*\*([^*]+)\*\*/g, "<b>$1</b>");
    })
    .join("");
}

/** What a terminal showed, with its colours. */
export function terminalFrame(taskId: string, screen: string): string {
  const [plain = "", ...marked] = inHtml(screen.replaceAll("\r", "").trim()).split("\u001b[");
  const shown = marked.map((part) => part.replace(/^([\d;?]*)([A-Za-z])/, markOf));
  return `<!doctype html><style>${PAGE}</style>
<pre class="terminal">$ ./gateway approve ${inHtml(taskId)}\n${plain}${shown.join("")}</pre>`;
}

const COLOURS: Readonly<Record<string, string>> = {
  "1": "font-weight:bold",
  "2": "opacity:.65",
  "31": "color:#ff9b9b",
  "32": "color:#8fdc9f",
  "33": "color:#ffd279",
  "36": "color:#8fd6e8",
};

/** A colour begins a span; what ends one ends it, as nothing is nested. The rest does not show. */
function markOf(_: string, codes: string, kind: string): string {
  if (kind !== "m") return "";
  const styles = codes.split(";").flatMap((code) => COLOURS[code] ?? []);
  return styles.length === 0 ? "</span>" : `<span style="${styles.join(";")}">`;
}

/** A page with one button, which says what became of it. On loopback, as the default policy allows. */
export async function serveShop(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(SHOP);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/order`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const SHOP = `<!doctype html><title>Order</title>
<style>
body { font: 20px/1.5 "DejaVu Sans", sans-serif; margin: 0; text-align: center; background: #eef2f7 }
main { width: 460px; margin: 40px auto; padding: 16px 24px 32px; background: #fff; border-radius: 10px }
h1 { font-size: 26px }
button { font: inherit; color: #fff; background: #1d4ed8; border: 0; border-radius: 8px; padding: 14px 56px }
button.done { background: #15803d }
</style>
<main><h1>Your order</h1><p>1 × Coffee, 500 g<br>1 × Filter papers</p>
<button onclick="this.className='done';this.textContent='Ordered. Thank you!'">Place the order</button></main>`;
