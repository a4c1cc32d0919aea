/** Why a dial brought no connection. */
export interface LinkError {
  readonly code: "refused" | "unreachable" | "timeout" | "tls" | "credentials" | "protocol" | "aborted";
  readonly message: string;
  /** The HTTP status, where the center answered with one. */
  readonly status?: number;
  /** Seconds the center asked us to wait (Retry-After), where it did. */
  readonly retryAfterSeconds?: number;
}
