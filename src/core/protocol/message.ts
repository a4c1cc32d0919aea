/** A message of the wire (protocol.md §0.1), with only the keys that mean something on it. */
export interface Message {
  readonly header: MessageHeader;
  readonly route: Route;
  /** Any JSON. A string that held JSON has been unquoted once (decisions.md 40). */
  readonly content: unknown;
}

export interface MessageHeader {
  readonly msg_id: string;
  readonly parent_msg_id: string;
  readonly timestamp: number;
  readonly sync: boolean;
  readonly resourceversion: string;
}

export interface Route {
  readonly source: string;
  readonly group: string;
  readonly operation: string;
  readonly resource: string;
}
