import { GatewayError } from "../../contract/errors.ts";
import type { Policy } from "../../contract/policy.ts";
import type { ArtifactKeeper } from "../artifact-keeper.ts";
import { artifactQuota } from "../limits.ts";
import type { Task } from "../task.ts";
import type { Planned } from "./planner.ts";

/** Bytes of one: a large screen full of noise. */
const MAX_PICTURE = 64 * 1024 * 1024;

/** The pictures of the screen that belong to a plan and to what is decided about it. */
export class PlanPictures {
  readonly #deps: { readonly artifacts: ArtifactKeeper; readonly policy: () => Policy };

  constructor(deps: { readonly artifacts: ArtifactKeeper; readonly policy: () => Policy }) {
    this.#deps = deps;
  }

  /** After the task is there, which they belong to, and before anyone knows of it. */
  async keep({ plan, pictures }: Planned): Promise<void> {
    for (const { id, step, png, open } of pictures) {
      await this.#deps.artifacts.keep({
        id,
        step,
        taskId: plan.task_id,
        requester: plan.requester,
        owner: open ? plan.requester : null,
        purpose: "preview",
        name: `step-${step}.png`,
        mediaType: "image/png",
        content: png,
        maxSize: MAX_PICTURE,
        quota: artifactQuota(this.#deps.policy()),
      });
    }
  }

  /** What cannot be shown cannot be approved (I8). Throws `state_changed`. */
  async refuseUnshown({ notes }: Task): Promise<void> {
    for (const { preview } of notes.steps) {
      if (preview?.kind !== "screenshot") continue;
      if (await this.#deps.artifacts.has(preview.artifact_id)) continue;
      throw new GatewayError("state_changed", "A picture of the plan is no longer kept.", {
        hint: "Plan it again; security.max_artifacts_mb bounds what is kept of a key's pictures.",
      });
    }
  }
}
