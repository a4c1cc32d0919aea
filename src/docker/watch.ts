import { labelledIdentity } from "../core/pod/identity.ts";
import type { EngineEvent } from "../ports/engine.ts";
import { textAt, textMapAt } from "./answer.ts";

/** What can change a list. Left out are exec_* and health_*, which a probing agent would only hear itself by. */
const actions = ["create", "start", "restart", "die", "oom", "kill", "stop", "pause", "unpause", "rename", "destroy"];

/** What can change what a name of an image stands for, or whether it is here; podman's own words are the last three. */
const imageActions = ["delete", "import", "load", "pull", "tag", "untag", "remove", "loadfromarchive", "build"];

/** What somebody does to a container that runs, and no list shows. A network says `connect` at each start, too. */
const reconfiguringActions = new Map([
  ["container", ["update"]],
  ["network", ["connect", "disconnect"]],
]);

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
  // Not by our label: images have none, and podman 4.3 finds no event by the name of a label without its value. What is
  // another's is left out when it comes.
  const podmans = product === "podman" ? podmansWords.keys() : [];
  const events = new Set([...actions, ...imageActions, ...podmans, ...[...reconfiguringActions.values()].flat()]);
  const filters = { type: ["container", "image", "network"], event: [...events] };
  return {
    // Docker answers 200 a moment before it has subscribed. What happens in between would be lost without looking back
    // (it replays from its last 256 events); what comes twice is only a hint given twice.
    since: Math.max(0, Math.floor(wallMs / 1000) - overlapSeconds),
    filters,
  };
}

/** Whether an event says that an image, or a name of one, has come or gone. */
export function isImageEvent(value: unknown): boolean {
  return textAt(value, "Type") === "image" && imageActions.includes(textAt(value, "Action"));
}

/** The container of which an event says that somebody has given it other limits or networks; null for any other event. */
export function reconfiguredContainer(value: unknown): string | null {
  const type = textAt(value, "Type");
  if (!reconfiguringActions.get(type)?.includes(textAt(value, "Action"))) return null;
  return type === "network" ? textAt(value, "Actor", "Attributes", "container") : textAt(value, "Actor", "ID");
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
