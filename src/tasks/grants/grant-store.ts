import type { Records } from "../task-store.ts";
import type { Grant } from "./grant.ts";

/**
 * The grants that hold. A task that one approves counts it as used, and fails without it, in
 * `TaskStore.update`. Writing methods reject as those of TaskStore do.
 */
export interface GrantStore {
  /** Newest first. */
  list(): Promise<Grant[]>;
  insert(grant: Grant, records: Records): Promise<void>;
  /** Removes a grant with its records; false and nothing written where it is gone already. */
  remove(id: string, records: Records): Promise<boolean>;
}
