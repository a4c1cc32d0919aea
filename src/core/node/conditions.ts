/** A condition of the node, as in Kubernetes' NodeCondition. */
export interface Condition<Type extends string = string> {
  readonly type: Type;
  /** Unknown: none of the facts it is judged by can be read. That holds up nothing. */
  readonly status: "True" | "False" | "Unknown";
  /** One word that does not change with the language. */
  readonly reason: string;
  readonly message: string;
  /** Wall milliseconds at which `status` became what it is. */
  readonly since: number;
}

/** Ready while no agent runs: whatever the engine does, nothing starts a pod. */
export function notReadyWithoutAgent(nowWall: number): Condition<"Ready"> {
  const message = "The agent is not running";
  return { type: "Ready", status: "False", reason: "AgentNotRunning", message, since: nowWall };
}

/** Ready: the engine answers, so that pods can be started. A device that is offline is ready all the same. */
export function readyCondition(
  before: Condition<"Ready"> | null,
  isReady: boolean,
  nowWall: number,
): Condition<"Ready"> {
  const status = isReady ? "True" : "False";
  const since = before?.status === status ? before.since : nowWall;
  if (isReady) return { type: "Ready", status, reason: "EngineReady", message: "The engine answers", since };
  return { type: "Ready", status, reason: "EngineUnavailable", message: "The engine does not answer", since };
}
