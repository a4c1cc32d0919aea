import { installLabel, labelledIdentity } from "../core/pod/identity.ts";
import type { EngineEvent } from "../ports/engine.ts";
import { textAt, textMapAt } from "./answer.ts";

/** What can change a list. Left out are exec_* and health_*, which a probing agent would only hear itself by. */
const actions = ["create", "start", "restart", "die", "oom", "kill", "stop", "pause", "unpause", "rename", "destroy"];

/** Podman's own words for two of them; it filters by these (containers/podman#16857). */
const podmansWords = new Map([
  ["died", "die"],
  ["remove", "destroy"],
]);

/** Seconds that are asked for again: events of a container that were on their way while the subscription was. */
const overlapSeconds = 2;

/** Query of `GET /events`. `wallMs` is the host's clock, which is the engine's too: it is behind a unix socket. */
export function eventQuery(
  wallMs: number,
  product: "docker" | "podman",
): { readonly since: number; readonly filters: Record<string, string[]> } {
  // Podman 4.3 finds no event by the name of a label without its value: what is another's is left out when it comes.
  const filters =
    product === "podman"
      ? { type: ["container"], event: [...actions, ...podmansWords.keys()] }
      : { type: ["container"], event: [...actions], label: [installLabel] };
  return {
    // Docker answers 200 a moment before it has subscribed. What happens in between would be lost without looking back
    // (it replays from its last 256 events); what comes twice is only a hint given twice.
    since: Math.max(0, Math.floor(wallMs / 1000) - overlapSeconds),
    filters,
  };
}

/** One event in the words of pods; null when it is not about a container of ours. */
export function engineEvent(value: unknown): EngineEvent | null {
  const attributes = textMapAt(value, "Actor", "Attributes");
  const identity = labelledIdentity(attributes);
  const said = textAt(value, "Action");
  const action = podmansWords.get(said) ?? said;
  if (textAt(value, "Type") !== "container" || identity === null || !actions.includes(action)) return null;
  const { namespace, name } = identity.pod;
  return { action, containerId: textAt(value, "Actor", "ID"), namespace, name };
}
