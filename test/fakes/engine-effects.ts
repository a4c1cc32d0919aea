import { isPaused, type ObservedContainer, type ObservedState } from "../../src/core/pod/observed.ts";
import type { ContainerAudit, CreatedContainer, CreateRequest } from "../../src/ports/engine.ts";
import { type EngineProcess, isLocked, refuse } from "./engine-calls.ts";
import { type Outcome, observed, type Refusal } from "./engine-container.ts";
import type { Host } from "./engine-host.ts";

/** What the effects of the engine's calls depend on. */
export interface Effects extends EngineProcess {
  /** By container: when it was last started by hand beside another one, or for somebody who had gone. */
  readonly startsAside: Map<string, number>;
  /** The disk of what it keeps, or one for that and all else. */
  diskFull: "no" | "data" | "all";
  deadHeld: boolean;
}

/** Every container of a pod, running or dead; unknown are those that the engine is in the middle of something with. */
export function listed(engine: EngineProcess): readonly ObservedContainer[] {
  return engine.host
    .containers()
    .map(observed)
    .filter((each) => each !== null)
    .map((each) => (isLocked(engine, each.id) ? { ...each, state: unknownOf(each) } : each));
}

function unknownOf(one: ObservedContainer): ObservedState {
  return isPaused(one) ? { kind: "unknown", paused: true } : { kind: "unknown" };
}

/** One of them, by id or name. */
export function inspected(host: Host, id: string): Outcome<ObservedContainer> {
  const container = host.container(id);
  const value = container === null ? null : observed(container);
  return value === null ? refuse("notFound", `No such container: ${id}`) : { value };
}

/** Nobody changes a container by hand here, so that it is always as it was made. */
export function audited(host: Host, id: string): Outcome<ContainerAudit> {
  if (host.container(id) === null) return refuse("notFound", `No such container: ${id}`);
  return { value: { pid: null, differences: [] } };
}

/** What a start comes to, by which disk is full: that of /run makes words that say nothing of it (docker 20.10). */
const cannotStart = {
  data: { kind: "diskFull", message: "write /var/lib/docker/containers/x/hosts: no space left on device" },
  all: { kind: "failed", message: "unable to store init state: %!w(<nil>)" },
} as const satisfies Readonly<Record<string, Refusal>>;

/** Refuses what Docker refuses, and images of another architecture. */
export function created(
  { host, diskFull }: Effects,
  request: CreateRequest,
  architecture: string,
): Outcome<CreatedContainer> {
  if (diskFull !== "no") return refuse("diskFull", "mkdir /var/lib/docker/overlay2/x: no space left on device");
  if (request.image.architecture !== architecture) {
    return refuse(
      "wrongArchitecture",
      `The image is for ${request.image.architecture}, this device is ${architecture}`,
    );
  }
  const made = host.create(request);
  return "kind" in made ? { refusal: made } : { value: { id: made.id, warnings: [] } };
}

/** `late`: whoever asked for it has gone. */
export function started({ host, clock, diskFull, startsAside }: Effects, id: string, late: boolean): Outcome<void> {
  const state = host.container(id)?.state;
  if (diskFull !== "no" && state !== undefined && state.kind !== "running") {
    host.noteError(id, cannotStart[diskFull].message);
    return { refusal: cannotStart[diskFull] };
  }
  if (late && state?.kind !== "running") startsAside.set(id, clock.mono());
  return done(host.start(id));
}

/** Goes on when the caller has gone: so does Docker. */
export async function stopped(state: Effects, id: string, graceSeconds: number): Promise<Outcome<void>> {
  const { host, clock, downs } = state;
  if (host.terminate(id)) return { value: undefined };
  const ended = new AbortController();
  void host.ended(id).then(() => ended.abort("over"));
  await clock.sleep(graceSeconds * 1000, ended.signal);
  // An engine that has gone in between kills nothing any more.
  if (state.mode !== "down" && state.downs === downs) host.die(id, 137);
  return { value: undefined };
}

/** What runs is not removed, as Docker refuses it without force. */
export function removed({ host, deadHeld }: Effects, id: string): Outcome<void> {
  if (host.container(id)?.state.kind === "running") {
    return refuse("conflict", `You cannot remove a running container ${id}`);
  }
  if (deadHeld) {
    const message = `driver "overlay2" failed to remove root filesystem: device or resource busy`;
    host.noteError(id, message);
    return refuse("failed", message);
  }
  return { value: host.remove(id) };
}

function done(refusal: Refusal | null): Outcome<void> {
  return refusal === null ? { value: undefined } : { refusal };
}
