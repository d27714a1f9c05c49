/** Why DATA_DIR cannot be used: its message is for the operator and says what to do. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}
