import { buildIfStale } from "../../scripts/build.ts";

/** Whole-service tests run against dist/, so it must be what the sources say. */
export async function setup(): Promise<void> {
  if (await buildIfStale()) console.log("built dist/ for the whole-service tests");
}
