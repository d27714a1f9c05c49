import { GatewayError } from "../contract/errors.ts";
import type { Policy } from "../contract/policy.ts";

/** The file size limit of an action in bytes: the policy's, never above the service's own. */
export function fileSizeLimit(policy: Policy, action: string, maxFileSize: number): number {
  const megabytes = policy.capabilities[action]?.max_file_size_mb;
  return megabytes === undefined ? maxFileSize : Math.min(maxFileSize, megabytes * 1024 * 1024);
}

/**
 * A key may not fill the disk with plans that it never executes. Throws `queue_full` where those that
 * wait already, and `size` bytes more, are over what it may have.
 */
export function refuseTooMuchPending(
  policy: Policy,
  keyId: string,
  pending: number,
  size: number,
): void {
  const { max_pending_mb: megabytes } = policy.security;
  if (pending + size <= megabytes * 1024 * 1024) return;
  const limit = `security.max_pending_mb in config/policy.json (${megabytes} MiB)`;
  throw new GatewayError(
    "queue_full",
    size > megabytes * 1024 * 1024
      ? `The plan alone is larger than ${limit}.`
      : `Plans of key ${keyId} that have not begun take ${inMegabytes(pending)} MiB already; with this one they would be over ${limit}.`,
    {
      hint: "Execute or cancel some of them, or wait until they expire. An operator may raise the limit.",
      retry_after: 10,
    },
  );
}

function inMegabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}

/** What the artifacts of one key may take, bytes. */
export function artifactQuota(policy: Policy): number {
  return policy.security.max_artifacts_mb * 1024 * 1024;
}
