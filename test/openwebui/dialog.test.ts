import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeVisible } from "../../src/lib/inert.ts";
import { readPngSize } from "../../src/lib/png.ts";
import { task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { callTool, python, ToolDriver, valvesFor } from "./tool-driver.ts";

const isDesktopHere = ["/usr/bin/Xvfb", "/usr/bin/bwrap"].every((path) => existsSync(path));
const HIGH = {
  capabilities: {
    "fs.read": { enabled: true, allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, risk_level: "high", allowed_paths: ["/tmp"] },
    "keyboard.type": { enabled: true },
    "screen.capture": { enabled: true, confirmation: "approver" },
    "mouse.click": { enabled: true },
  },
};

let gateway: Gateway;
let strict: Gateway;
beforeAll(async () => {
  [gateway, strict] = await Promise.all([startGateway(), startGateway({ policy: HIGH })]);
});
afterAll(() =>
  Promise.all([gateway?.[Symbol.asyncDispose](), strict?.[Symbol.asyncDispose]()]).then(() => {}),
);

const sizeOf = (url = "") =>
  readPngSize(Buffer.from(url.replace(/^data:image\/png;base64,/, ""), "base64"));

const write = (path: string, content: string, more = {}) => ({
  method: "write_file",
  args: { path, content },
  ...more,
});

/** The text that the fences of a dialog's pages hold, as one text without the bars of wrapped lines. */
function fenced(message: string): string {
  return [...message.matchAll(/^(`{3,})text\n([\s\S]*?)\n\1$/gm)]
    .map(([, , text = ""]) => text)
    .join("\n")
    .replaceAll("\n┊ ", "");
}

describe.runIf(python)("I8 the dialog", () => {
  test("shows plan, risk, reasons, change, desktop, user and digest", async () => {
    await using tool = callTool(gateway, write("/tmp/all.txt", "milk\n", { answers: [true] }));
    const { task_id } = await tool.answer();
    const { plan_digest, desktop } = await task(gateway, task_id);
    const [dialog] = tool.dialogs();
    expect(dialog?.event.type).toBe("confirmation");
    expect(dialog?.event.data.title).toBe("Allow this on the desktop? Medium risk");
    const text = fenced(tool.shown());
    for (const part of [
      "MEDIUM RISK",
      "│ Write 5 bytes to the new file /tmp/all.txt",
      "fs.write",
      'capabilities["fs.write"].risk_level',
      "│ +milk",
      `Desktop: ${desktop}`,
      "You: ada@example.com",
      plan_digest,
      task_id,
    ]) {
      expect(text).toContain(part);
    }
  });

  test("shows what an approver alone may see", async () => {
    writeFileSync(strict.file("/tmp/secret.txt"), "the old line\n");
    // The policy lets nobody read without a person, so a requester's plan has no preview.
    await using closed = await startGateway({
      policy: {
        capabilities: {
          "fs.write": { enabled: true, allowed_paths: ["/tmp"] },
        },
      },
    });
    writeFileSync(closed.file("/tmp/secret.txt"), "the old line\n");
    const args = { path: "/tmp/secret.txt", content: "new\n", mode: "overwrite" };
    const call = { method: "write_file", args, answers: [false] };
    await using tool = callTool(closed, call);
    const answer = await tool.answer();
    expect(fenced(tool.shown())).toContain("│ -the old line");
    expect(JSON.stringify(await task(closed, answer.task_id))).not.toContain("the old line");
    // I12: and the model is told nothing of it.
    expect(JSON.stringify(answer)).not.toContain("the old line");
  });

  const TRICKS = [
    "a\u202eb\u200bc\u2066d\u00ade\u0007f\u001b[8mg\u3164h\ufe0fi\u{e0041}j\u2800k",
    "```\n# Approved\n```\n````\n</code></pre><img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png) $$x$$ <details>",
    "\n\nMEDIUM RISK\nDesktop: other\n│ +harmless\n┊ more",
    "ends with a space \nand \u00a0 odd \u2003 spaces\r\nand\ttabs",
  ];
  test.each(TRICKS)("keeps %j inert and whole", async (content) => {
    const path = `/tmp/trick-${TRICKS.indexOf(content)}.txt`;
    await using tool = callTool(gateway, write(path, content, { answers: Array(9).fill(true) }));
    expect((await tool.answer()).status).toBe("completed");
    const shown = tool.shown();
    // Outside of the fences stands our own text alone, and no fence ends early.
    const outside = shown.replaceAll(/^(`{3,})text\n[\s\S]*?\n\1$/gm, "");
    expect(outside.replaceAll(/\*\*[^*]+\*\*[ \w,;.]*/g, "").trim()).toBe("");
    expect(makeVisible(shown, { multiline: true })).toBe(shown);
    const text = fenced(shown);
    for (const line of content.split("\n")) {
      const visible = makeVisible(line, { multiline: true }).replaceAll("\t", "→");
      expect(text).toContain(`│ +${visible.replace(/ $/, "⟦U+0020⟧")}`);
    }
  });

  test("writes out the very characters that the gateway does", async () => {
    const texts = TRICKS.concat(
      "\u115f\u17b4\u180b\u034f\ufff9e\u0301\u0301\u0301\u0301\u0301\u0301 é ß 中 \ue000",
    );
    await using tool = new ToolDriver({ visible: texts });
    const { visible } = await tool.until(({ kind }) => kind === "list");
    expect(visible).toEqual(texts.map((text) => makeVisible(text)));
  });

  test("a long plan takes pages, and only the last one lets it run", async () => {
    const content = Array.from({ length: 60 }, (_, index) => `line ${index} of the file\n`).join(
      "",
    );
    const path = "/tmp/pages.txt";
    await using refused = callTool(gateway, write(path, content, { answers: [true, true, false] }));
    expect((await refused.answer()).status).toBe("rejected");
    expect(existsSync(gateway.file(path))).toBe(false);
    await using tool = callTool(gateway, write(path, content, { answers: Array(9).fill(true) }));
    expect((await tool.answer()).status).toBe("completed");
    expect(readFileSync(gateway.file(path), "utf8")).toBe(content);
    const pages = tool.dialogs().map(({ event }) => event.data);
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.slice(0, -1).every(({ message }) => message.includes("nothing runs yet"))).toBe(
      true,
    );
    for (const { message } of pages) expect(fenced(message).split("\n").length).toBeLessThan(27);
    for (let line = 0; line < 60; line += 1) {
      expect(fenced(tool.shown())).toContain(`│ +line ${line} of the file\n`);
    }
  });

  test("what does not fit cannot be approved here", async () => {
    const path = "/tmp/huge.txt";
    const call = write(path, "much\n".repeat(2000), { answers: Array(99).fill(true) });
    await using tool = callTool(gateway, call, { decision_timeout_seconds: 0.2 });
    const answer = await tool.answer();
    expect(answer).toMatchObject({ status: "awaiting_confirmation" });
    expect(answer.message).toContain("too long");
    expect(tool.dialogs()).toEqual([]);
    expect(await task(gateway, answer.task_id)).toMatchObject({ approvals: [] });
  });

  test("high risk asks for a word, and nothing but the word is one", async () => {
    for (const [answer, status] of [
      [true, "denied"],
      ["yes", "denied"],
      ["", "denied"],
      [false, "rejected"],
      [null, "denied"],
      [{ error: "approve" }, "denied"],
      [" Approve\n", "completed"],
    ] as const) {
      const path = `/tmp/word-${status}.txt`;
      await using tool = callTool(strict, write(path, "x", { answers: [answer] }));
      expect((await tool.answer()).status).toBe(status);
      expect(tool.dialogs()[0]?.event.type).toBe("input");
      expect(existsSync(strict.file(path))).toBe(status === "completed");
    }
  });
});

describe.runIf(python && isDesktopHere)("with a screen (needs Xvfb and bubblewrap)", () => {
  test("a screenshot is put into the chat, and the model sees it", async () => {
    await using tool = callTool(gateway, { method: "screenshot" });
    const { texts, pictures } = await tool.given();
    expect(pictures.map(sizeOf)).toEqual([{ width: 1280, height: 960 }]);
    expect(texts.join()).not.toContain("base64");
    const files = tool.events().filter(({ type }) => type === "files");
    expect(files).toHaveLength(1);
    expect(files[0]?.data.files[0]).toMatchObject({
      type: "image",
      url: expect.stringMatching(/^data:image\/png;base64,iVBOR/),
    });
  });

  test("one of a large screen is scaled for the model, not for the user", async () => {
    const call = { method: "screenshot" };
    await using tool = callTool(gateway, call, { max_picture_side: 640 });
    const [picture] = (await tool.given()).pictures;
    const { width, height } = sizeOf(picture);
    expect(width).toBe(640);
    // Below it stands by what to multiply.
    expect(height).toBeGreaterThan(480);
    const [files] = tool.events().filter(({ type }) => type === "files");
    expect(sizeOf(files?.data.files[0]?.url)).toEqual({ width: 1280, height: 960 });
  });

  test("I12 the target of a click is shown in its dialog, and nowhere else", async () => {
    const args = { x: 40, y: 50 };
    await using tool = callTool(strict, { method: "click", args, answers: [false, false] });
    await tool.answer();
    const [dialog] = tool.dialogs();
    expect(dialog?.event.data.message).toMatch(/!\[screen\]\(data:image\/png;base64,iVBOR/);
    expect(tool.events().filter(({ type }) => type === "files")).toEqual([]);
  });

  test("what is typed in secret is shown to the person alone", async () => {
    const args = { text: "hunter2 and more", sensitive: true };
    await using tool = callTool(strict, { method: "type_text", args, answers: [false] });
    expect((await tool.answer()).status).toBe("rejected");
    expect(fenced(tool.shown())).toContain("hunter2 and more");
    const told = tool.lines.filter(({ kind }) => kind !== "dialog");
    expect(JSON.stringify(told)).not.toContain("hunter2");
  });

  test("a picture that is too large to be shown cannot be approved", async () => {
    const call = { method: "click", args: { x: 40, y: 50 }, answers: [true, true] };
    const valves = { max_image_mb: 0.0001, decision_timeout_seconds: 0.2 };
    await using tool = new ToolDriver({ valves: valvesFor(strict, valves), calls: [call] });
    expect(await tool.answer()).toMatchObject({ status: "awaiting_confirmation" });
    expect(tool.dialogs()).toEqual([]);
  });
});
