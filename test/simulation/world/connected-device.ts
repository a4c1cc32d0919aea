import assert from "node:assert/strict";
import { testImage } from "../../samples/messages.ts";
import { createWorld, type World } from "./world.ts";

/** The test image, as a registry or the engine shows it. */
export const image = { id: "sha256:first", user: "", architecture: "amd64", volumes: [] } as const;

/** A device that is connected and has the test image. */
export async function connectedDevice(): Promise<World> {
  const world = createWorld(1, { liveRestore: true });
  world.host.addImage(testImage, image);
  await world.clock.pass(3_000);
  return world;
}

/** Sends a message, and gives the content of its reply; "nothing" if there is none within a second. */
export async function send(world: World, text: string): Promise<string> {
  const { msg_id } = JSON.parse(text).header;
  assert.ok(world.center.deliver(text));
  await world.clock.pass(1_000);
  const replies = world.center.received().map((one) => JSON.parse(one));
  return String(replies.find((one) => one.header.parent_msg_id === msg_id)?.content ?? "nothing");
}

/** Reason and message of what a pod's container waits for. */
export function waiting(world: World, uid: string): string {
  const status = world.look((store) => store.statuses.get(uid)?.status) as
    | { containerStatuses: { state: { waiting?: { reason: string; message?: string } } }[] }
    | undefined;
  const state = status?.containerStatuses[0]?.state.waiting;
  return state === undefined ? "" : `${state.reason} ${state.message ?? ""}`;
}

/** The id of a pod or a message. */
export const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** A pod that mounts the config map app-settings, for `podUpdate`. */
export const mounting = {
  spec: { volumes: [{ name: "settings", configMap: { name: "app-settings", defaultMode: 420 } }] },
  container: { volumeMounts: [{ name: "settings", mountPath: "/etc/app", readOnly: true }] },
};

/** The content of a secret for the registry of the scenes. */
export const login = (password: string) => ({ auths: { "registry.example:5000": { username: "u", password } } });
