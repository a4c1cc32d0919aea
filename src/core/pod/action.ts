import type { TerminatingPod } from "./desired.ts";
import { sandboxName } from "./identity.ts";

/**
 * One step toward the desired state, as data: what, on what, and why. One action is one engine call (or none), after
 * which the world is looked at again.
 */
export type Action =
  | { readonly kind: "resolve"; readonly container: string; readonly image: string; readonly because: string }
  | {
      readonly kind: "create";
      readonly container: string;
      readonly attempt: number;
      readonly backoffLevel: number;
      /** The running sandbox that it joins; null for a sandbox and for a container that is alone. */
      readonly sandboxId: string | null;
      /** The NPUs that it gets for itself. */
      readonly npus: readonly string[];
      readonly because: string;
    }
  | { readonly kind: "start"; readonly container: string; readonly id: string; readonly because: string }
  | {
      readonly kind: "stop";
      readonly container: string;
      readonly id: string;
      readonly graceSeconds: number;
      readonly because: string;
    }
  | { readonly kind: "remove"; readonly container: string; readonly id: string; readonly because: string }
  | { readonly kind: "finish"; readonly terminating: TerminatingPod; readonly because: string };

/** An image that a container waits for. It may take hours, so it runs beside the actions (pod-pulls.ts). */
export interface Pull {
  readonly kind: "pull";
  readonly container: string;
  readonly image: string;
  readonly because: string;
}

/** An action or a pull as an event for people. */
export function actionSentence(action: Exclude<Action, { kind: "resolve" | "finish" }> | Pull): string {
  const name = action.container === sandboxName ? "the pod's sandbox" : `container ${action.container}`;
  switch (action.kind) {
    case "pull":
      return `Pulling image ${action.image} for ${name}`;
    case "create": {
      const again = action.attempt === 0 ? "" : ` (attempt ${action.attempt}: ${action.because})`;
      return `Creating ${name}${action.npus.map((npu) => ` with ${npu}`).join("")}${again}`;
    }
    case "start":
      return `Starting ${name}`;
    case "stop":
      return `Stopping ${name} within ${action.graceSeconds} s: ${action.because}`;
    case "remove":
      return `Removing ${name}: ${action.because}`;
    default:
      return action satisfies never;
  }
}

/** An action or a pull in full: what golden tests compare and the log shows. */
export function showAction(action: Action | Pull): string {
  switch (action.kind) {
    case "resolve":
      return `look up image ${action.image} for ${action.container}, because ${action.because}`;
    case "pull":
      return `pull ${action.image} for ${action.container}, because ${action.because}`;
    case "create":
      return `create ${action.container}, attempt ${action.attempt}${action.npus.map((npu) => `, with ${npu}`).join("")}, because ${action.because}`;
    case "start":
      return `start ${action.container} (${action.id.slice(0, 12)}), because ${action.because}`;
    case "stop":
      return `stop ${action.container} (${action.id.slice(0, 12)}) within ${action.graceSeconds} s, because ${action.because}`;
    case "remove":
      return `remove ${action.container} (${action.id.slice(0, 12)}), because ${action.because}`;
    case "finish":
      return `finish ${action.terminating.id.name}, because ${action.because}`;
    default:
      return action satisfies never;
  }
}
