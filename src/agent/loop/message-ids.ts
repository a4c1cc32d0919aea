import type { MessageIds } from "../../core/protocol/message.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";

/** What tells a message of the device from every other. */
export function messageIds({ clock, random }: { readonly clock: Clock; readonly random: Random }): MessageIds {
  return { msgId: random.uuid(), timestamp: clock.wall() };
}
