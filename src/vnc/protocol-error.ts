/** One side does not speak RFB as this gateway knows it. Its message is for the log. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
