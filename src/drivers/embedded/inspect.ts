import type { Parameters } from "../../contract/task.ts";
import type { Inspection } from "../../tasks/driver.ts";
import {
  type Examine,
  inspectEdit as edit,
  inspectWrite as write,
} from "../files/inspect-change.ts";
import { examine } from "./file-state.ts";
import type { Site } from "./write.ts";

type Inspect = (site: Site, parameters: Parameters, maxFileSize: number) => Promise<Inspection>;

/** What `fs.write` would do in the workspace. */
export const inspectWrite: Inspect = (site, parameters, maxFileSize) =>
  write(looking(site, maxFileSize), parameters, maxFileSize);

/** What `fs.edit` would do in the workspace. */
export const inspectEdit: Inspect = (site, parameters, maxFileSize) =>
  edit(looking(site, maxFileSize), parameters, maxFileSize);

function looking({ root }: Site, maxFileSize: number): Examine {
  return async (path, see) => {
    using target = await examine(root, path, maxFileSize, see);
    const { state, size, isExecutable, problem } = target;
    return { state, size, isExecutable, problem };
  };
}
