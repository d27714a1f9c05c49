import { defineConfig } from "vitest/config";

const shared = { retry: 0, pool: "forks" } as const;

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          include: ["{src,scripts,console}/**/*.test.ts"],
          testTimeout: 20_000,
        },
      },
      {
        // Over HTTP, against the started program.
        test: {
          ...shared,
          name: "service",
          include: ["test/**/*.test.ts"],
          globalSetup: ["test/support/build.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
