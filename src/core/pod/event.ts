/** One thing that happened, as `edge events` shows it. */
export interface PodEvent {
  readonly type: "Normal" | "Warning";
  /** namespace/name, or "" for the device itself. */
  readonly pod: string;
  readonly container: string;
  /** CamelCase, stable. */
  readonly reason: string;
  readonly message: string;
}
