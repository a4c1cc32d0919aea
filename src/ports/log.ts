export type LogLevel = "debug" | "info" | "warn" | "error";

/** One line a record. `fields` holds no secrets: what came from a message is named, not quoted whole. */
export interface Log {
  write(level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>): void;
}
