/** Asks a container over HTTP how it is. */
export interface HttpProbe {
  /**
   * One GET without anything kept from another. Redirects to the same scheme, host and port are followed; any
   * other is an answer like any other. HTTPS certificates are not looked at. Resolves soon after the signal aborts.
   */
  get(request: HttpProbeRequest, signal: AbortSignal): Promise<HttpAnswer>;
}

export interface HttpProbeRequest {
  readonly scheme: "HTTP" | "HTTPS";
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  /** Begins with a slash. */
  readonly path: string;
}

/**
 * The status of the last answer, or the words for why there was none. `isCutOff`: the status arrived, and the body broke off
 * or stalled until the signal aborted.
 */
export type HttpAnswer =
  | { readonly ok: true; readonly status: number }
  | { readonly ok: false; readonly message: string; readonly isCutOff?: true };
