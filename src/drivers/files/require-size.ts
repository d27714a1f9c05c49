import { GatewayError } from "../../contract/errors.ts";

/** Throws `file_too_large` with both sizes. */
export function requireSize(size: number, maxFileSize: number, path: string): void {
  if (size <= maxFileSize) return;
  throw new GatewayError(
    "file_too_large",
    `${path}: ${size} bytes are more than the ${maxFileSize} allowed`,
    { hint: "Use a smaller file, or have max_file_size_mb or MAX_FILE_SIZE_MB raised." },
  );
}
