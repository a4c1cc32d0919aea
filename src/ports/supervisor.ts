/** Whoever started the agent and wants to hear that it works: systemd. */
export interface Supervisor {
  /** How often it wants to hear that the agent is alive, in milliseconds; null when it does not. */
  readonly aliveEveryMs: number | null;
  /** The agent has started. */
  ready(): void;
  /** The agent's loop has just turned. */
  alive(): void;
}
