import { expect, test } from "vitest";
import { ioOf } from "../../../../test/support/drivers/step/fixtures.ts";
import type { AgentMessage, AgentTask } from "./agent-answers.ts";
import { MessageReporter } from "./message-reporter.ts";
import { TaskFollower } from "./task-follower.ts";

const PAGE = 4;
const TASK: AgentTask = { id: "t", status: "RUNNING", control: "ASSISTANT", description: "" };
const TIMINGS = { pollMs: 5, checkMs: 5, gapMs: 1, lostAfterMs: 1000, settleMs: 0, stopMs: 1000 };

/** Follows a task that says `perLook` more at each look and ends with `total`. */
async function follow(total: number, perLook: number, pagesKnown: boolean) {
  const io = ioOf();
  const reporter = new MessageReporter(io, "work");
  const all = Array.from({ length: total }, (_, index) => said(index));
  const pages: number[] = [];
  let there = 0;
  const api = {
    task: async (): Promise<AgentTask> => {
      there = Math.min(total, there + perLook);
      return { ...TASK, status: there === total ? "COMPLETED" : "RUNNING" };
    },
    messages: async (_id: string, page: number) => {
      pages.push(page);
      const answer = pagesKnown
        ? all.slice(0, there).slice(page * PAGE, (page + 1) * PAGE)
        : all.slice(0, there);
      return { messages: answer, isLast: answer.length !== PAGE };
    },
  };
  const { signal } = new AbortController();
  const session = { requests: 0, missed: undefined };
  const follower = new TaskFollower({
    api,
    task: TASK,
    reporter,
    desktop: "bytebot",
    session,
    timings: TIMINGS,
    signal,
  });
  await follower.follow(undefined);
  return { texts: reporter.transcript.messages().map(({ text }) => text), pages };
}

test.each([
  [1, 1],
  [4, 4],
  [4, 1],
  [5, 2],
  [8, 8],
  [9, 4],
  [13, 3],
])("%i messages, %i at a time: none is lost, none comes twice", async (total, perLook) => {
  const words = Array.from({ length: total }, (_, index) => `word ${index}`);
  const paged = await follow(total, perLook, true);
  expect(paged.texts).toEqual(words);
  // Pages that are whole are not read again.
  expect(paged.pages).toEqual(paged.pages.toSorted((one, other) => one - other));
  expect((await follow(total, perLook, false)).texts).toEqual(words);
});

function said(index: number): AgentMessage {
  return { id: `m${index}`, role: "assistant", blocks: [{ kind: "text", text: `word ${index}` }] };
}
