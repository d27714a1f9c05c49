import type { Policy } from "../contract/policy.ts";

/** The file size limit of an action in bytes: the policy's, never above the service's own. */
export function fileSizeLimit(policy: Policy, action: string, maxFileSize: number): number {
  const megabytes = policy.capabilities[action]?.max_file_size_mb;
  return megabytes === undefined ? maxFileSize : Math.min(maxFileSize, megabytes * 1024 * 1024);
}

/** What the artifacts of one key may take, bytes. */
export function artifactQuota(policy: Policy): number {
  return policy.security.max_artifacts_mb * 1024 * 1024;
}
