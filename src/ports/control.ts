/** A request that came through the agent's socket; its body is no longer than a message of the center may be. */
export interface ControlRequest {
  readonly method: string;
  /** Without the query, as it was sent: `/v1/pods/web`. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface ControlResponse {
  /** As HTTP has it. */
  readonly status: number;
  /** Is sent as JSON. */
  readonly body: unknown;
}

/** The socket by which people and programs on the device speak to the agent (api.md). */
export interface ControlSocket {
  /** Answers requests until the signal aborts. Rejects when the socket cannot be made, or fails. */
  serve(handle: (request: ControlRequest) => ControlResponse, signal: AbortSignal): Promise<void>;
}
