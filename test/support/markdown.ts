import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The documentation as its tests read it. */
export const projectRoot = dirname(dirname(import.meta.dirname));

export interface Block {
  /** What stands after the fence: `json`, `bash`, … */
  readonly language: string;
  readonly text: string;
  /** Of the fence, from 1. */
  readonly line: number;
}

interface Link {
  readonly target: string;
  readonly line: number;
}

interface MarkdownFile {
  /** From the project's root: `docs/api.md`. */
  readonly path: string;
  readonly text: string;
  /** The text without its code blocks. */
  readonly prose: string;
  readonly blocks: readonly Block[];
  readonly links: readonly Link[];
  /** Of the headings, as the usual renderers make them. */
  readonly anchors: ReadonlySet<string>;
}

/** Every page a reader is led to. */
export function readDocumentation(): readonly MarkdownFile[] {
  return globSync(["*.md", "docs/**/*.md"], { cwd: projectRoot }).sort().map(readMarkdown);
}

export function readMarkdown(path: string): MarkdownFile {
  const text = readFileSync(join(projectRoot, path), "utf8");
  const prose: string[] = [];
  const blocks: Block[] = [];
  const links: Link[] = [];
  const anchors = new Set<string>();
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^\s*```(\w*)/.exec(line);
    if (open !== undefined) {
      if (fence === null) open.lines.push(line);
      else {
        blocks.push({ language: open.language, text: open.lines.join("\n"), line: open.line });
        open = undefined;
      }
    } else if (fence !== null) {
      open = { language: fence[1] ?? "", line: index + 1, lines: [] };
    } else {
      prose.push(line);
      const heading = /^#{1,6} (.*)$/.exec(line);
      if (heading !== null) anchors.add(anchorOf(heading[1] ?? "", anchors));
      for (const [, target = ""] of line.matchAll(/\]\(([^)\s]+)\)/g)) {
        links.push({ target, line: index + 1 });
      }
    }
  }
  if (open !== undefined) throw new Error(`${path}: the fence of line ${open.line} is not closed`);
  return { path, text, prose: prose.join("\n"), blocks, links, anchors };
}

function anchorOf(heading: string, taken: ReadonlySet<string>): string {
  const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  const anchor = plain.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/ /g, "-");
  let unique = anchor;
  for (let count = 1; taken.has(unique); count += 1) unique = `${anchor}-${count}`;
  return unique;
}

/** The first cells of the rows of every table on the page, without the code marks around them. */
export function firstCells(page: MarkdownFile): string[] {
  return rows(page).map(([cell = ""]) => cell);
}

/** The cells of every table's rows, the heading row and the line below it left out. */
export function rows(page: MarkdownFile): string[][] {
  const lines = page.prose.split("\n");
  return lines
    .filter((line, index) => isRow(line) && !isRule(line) && !isRule(lines[index + 1] ?? ""))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

function isRow(line: string): boolean {
  return line.startsWith("|") && line.endsWith("|");
}

function isRule(line: string): boolean {
  return /^\|[\s|:-]+\|$/.test(line);
}

/** Everything in `code marks` in a text. */
export function codeSpans(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}
