// docker: the engine port on Docker.

import { statSync } from "node:fs";
import type Docker from "dockerode";
import { ownValue } from "../core/base/own-value.ts";
import { containerName } from "../core/pod/identity.ts";
import type { CreatedContainer, CreateRequest, Engine, EngineInfo, EngineResult } from "../ports/engine.ts";
import { at, numberAt, textAt, textsAt } from "./answer.ts";
import { audited, withoutPodmansOwn } from "./audit.ts";
import { type Caller, type Connection, caller, openStream, request } from "./connection.ts";
import { createOptions } from "./create-options.ts";
import { failed, failure, statusOf } from "./errors.ts";
import { exec, isAlive } from "./exec.ts";
import { loadArchive, localImage, pull } from "./fetch-image.ts";
import { gate } from "./gate.ts";
import { isImageName, taggedName } from "./image.ts";
import { removeImage, storedImages } from "./image-store.ts";
import { endpointOf, observedContainer } from "./inspect.ts";
import { createKnownBridge, type KnownBridge } from "./known-bridge.ts";
import { isReadable, jsonLines } from "./lines.ts";
import { type Listing, listing } from "./list.ts";
import { ensureSandboxImage } from "./load-sandbox-image.ts";
import { inspectAnswer } from "./timed-inspects.ts";
import { engineEvent, eventQuery, isImageEvent, reconfiguredContainer } from "./watch.ts";

/** What each place of a hostPath volume shows of this device. */
function shownBy({ volumePaths, hostPaths }: CreateRequest): ReadonlyMap<string, string> {
  const places = Object.entries(volumePaths).map(
    ([volume, place]) => [place, ownValue(hostPaths, volume) ?? place] as const,
  );
  return new Map(places);
}

/** Where the engine is. */
export interface DockerOptions {
  /** Path of its unix socket. */
  readonly socket: string;
  /** Until when calls that were late are waited for; without one they are given up. */
  readonly lifetime?: AbortSignal;
  /** After how many milliseconds a container that the engine does not answer about is unknown; 2,000 without it. */
  readonly inspectDeadlineMs?: number;
}

/** The Docker Engine behind a unix socket, API 1.39 to 1.51. Connects at the first call, and again whenever it must. */
export function dockerEngine(options: DockerOptions): Engine {
  const api = caller(options.socket);
  const containers = listing(options.lifetime ?? null, options.inspectDeadlineMs);
  const bridge = createKnownBridge();
  return {
    info: (signal) => api.call("info", signal, (connection) => info(connection, bridge, signal)),
    ping: (signal) => api.call("ping", signal, ({ docker }) => ping(docker, signal)),
    list: (signal) => api.call("list", signal, async ({ docker }) => done(await containers.list(docker, signal))),
    inspect: (id, signal) =>
      onContainer(api, "inspect", id, signal, async (_, { docker }) => {
        const answer = await inspectAnswer(docker, id, signal);
        const observed = observedContainer(answer);
        if (observed === null) return failed(failure("inspect", "notFound", `${id} is no container of a pod`));
        containers.remember(observed, endpointOf(answer));
        return done(observed);
      }),
    create: (request, signal) => create(api, bridge, request, signal),
    audit: (id, request, signal) =>
      onContainer(api, "audit", id, signal, async (_, { docker, apiVersion, product }) => {
        const wanted = createOptions(request, { apiVersion, product });
        if (!wanted.ok) return failed(failure("audit", "invalid", wanted.message));
        const audit = audited(await inspectAnswer(docker, id, signal), wanted.payload, shownBy(request));
        return done(product === "podman" ? withoutPodmansOwn(audit, wanted.payload) : audit);
      }),
    start: (id, signal) => {
      containers.forget(id);
      return onContainer(api, "start", id, signal, (container) =>
        tolerating([304], container.start({ abortSignal: signal })),
      );
    },
    stop: (id, graceSeconds, signal) =>
      onContainer(api, "stop", id, signal, (container) =>
        tolerating([304, 404], container.stop({ t: graceSeconds, abortSignal: signal })),
      ),
    rename: (id, name, signal) =>
      onContainer(api, "rename", id, signal, async (container) => {
        await container.rename({ name, abortSignal: signal });
        return done(undefined);
      }),
    remove: (id, signal) => remove(api, id, signal),
    exec: (id, command, signal, started = () => {}) => {
      const trusted = containers.doubt(id);
      const begun = (program: string): void => {
        trusted();
        started(program);
      };
      const call = onContainer(api, "exec", id, signal, (_, { docker }) => exec(docker, id, command, signal, begun));
      return call.finally(trusted);
    },
    isAlive: (id, program, signal) =>
      onContainer(api, "isAlive", id, signal, (_, connection) => isAlive(connection, id, program, signal)),
    image: (nameOrId, signal) =>
      onImage(api, "image", nameOrId, signal, ({ docker }) => localImage(docker, "image", nameOrId, signal)),
    images: (signal) => api.call("images", signal, async ({ docker }) => done(await storedImages(docker, signal))),
    removeImage: (id, signal) =>
      onImage(api, "removeImage", id, signal, ({ docker }) => removeImage(docker, id, signal)),
    ensureSandboxImage: (signal) =>
      api.call("ensureSandboxImage", signal, (connection) => ensureSandboxImage(connection, signal)),
    pull: (name, credentials, signal, onBytes = () => {}, onLayerNews = () => {}) =>
      onImage(api, "pull", name, signal, (connection) =>
        pull(connection, { name: taggedName(name), credentials, onBytes, onLayerNews }, signal),
      ),
    load: (name, archive, signal, onBytes = () => {}) =>
      onImage(api, "load", name, signal, (connection) =>
        loadArchive(connection, { name: taggedName(name), archive, onBytes }, signal),
      ),
    watch: (handlers, signal) => watch(api, containers, handlers, signal).finally(bridge.forget),
  };
}

const mostWarnings = 32;
const noBridge =
  'The engine has no bridge network (bridge=none): only pods with hostNetwork start. Remove "bridge": "none" from /etc/docker/daemon.json and restart the engine';

async function info(
  connection: Connection,
  knownBridge: KnownBridge,
  signal: AbortSignal,
): Promise<EngineResult<EngineInfo>> {
  const answer = await request(connection.docker, "GET", "/info", {}, signal);
  const liveRestore = at(answer, "LiveRestoreEnabled") === true;
  knownBridge.forget();
  const bridge = await knownBridge.id(connection, signal);
  const security = textsAt(answer, "SecurityOptions");
  return done({
    version: connection.version,
    apiVersion: connection.apiVersion,
    architecture: connection.architecture,
    liveRestore,
    runId: liveRestore ? "live-restore" : (bridge ?? socketId(connection)),
    seccomp: security.some((option) => /^name=seccomp\b(?!.*profile=unconfined)/.test(option)),
    product: connection.product,
    bridge: bridge !== null || connection.product === "podman",
    rootless: security.some((option) => /^name=rootless\b/.test(option)),
    remapsUsers: security.some((option) => /^name=userns\b/.test(option)),
    hasProxy: textAt(answer, "HttpProxy") !== "" || textAt(answer, "HttpsProxy") !== "",
    warnings: textsAt(answer, "Warnings").slice(0, mostWarnings),
    dataRoot: textAt(answer, "DockerRootDir"),
    memoryBytes: numberAt(answer, "MemTotal"),
    cpus: numberAt(answer, "NCPU"),
  });
}

async function ping(docker: Docker, signal: AbortSignal): Promise<EngineResult<void>> {
  const answer = await openStream(docker, "GET", "/_ping", {}, signal);
  answer.destroy();
  return done(undefined);
}

/** An engine makes its socket anew at every start, but for one that systemd holds for it. */
function socketId({ socket, product }: Connection): string | null {
  // Podman's containers outlive its service.
  if (product === "podman") return null;
  const found = statSync(socket, { throwIfNoEntry: false });
  return found === undefined ? null : `socket ${found.ino} ${found.mtimeMs}`;
}

function create(
  api: Caller,
  bridge: KnownBridge,
  wanted: CreateRequest,
  signal: AbortSignal,
): Promise<EngineResult<CreatedContainer>> {
  return api.call("create", signal, async (connection) => {
    const { docker, architecture, product } = connection;
    // Docker runs a foreign image and lets it die: only the architecture tells beforehand.
    if (wanted.image.architecture !== architecture) {
      const message = `The image is for ${wanted.image.architecture}, this device is ${architecture}`;
      return failed(failure("create", "wrongArchitecture", message));
    }
    const options = createOptions(wanted, connection);
    if (!options.ok) return failed(failure("create", "invalid", options.message));
    const allowed = gate({ ...options.payload }, wanted);
    if (!allowed.ok) return failed(failure("create", "refused", allowed.message));
    // Docker makes it all the same, without any network.
    const needsBridge = options.payload.HostConfig.NetworkMode === "default" && product === "docker";
    if (needsBridge && (await bridge.id(connection, signal)) === null) {
      return failed(failure("create", "invalid", noBridge));
    }
    const name = containerName({ container: wanted.container, pod: wanted.pod.id, attempt: wanted.attempt });
    const answer = await request(
      docker,
      "POST",
      "/containers/create?",
      { _query: { name }, _body: options.payload },
      signal,
    );
    const id = textAt(answer, "Id");
    if (id === "") return failed(failure("create", "failed", "The engine's answer has no container id"));
    return done({ id, warnings: textsAt(answer, "Warnings") });
  });
}

function remove(api: Caller, id: string, signal: AbortSignal): Promise<EngineResult<void>> {
  return onContainer(api, "remove", id, signal, async (container) => {
    try {
      // Not by force: what runs is stopped first, by somebody who says why. `v` takes the anonymous volumes along.
      await container.remove({ v: true, force: false, abortSignal: signal });
    } catch (cause) {
      const goes = statusOf(cause) === 409 && String(cause).slice(0, 4096).includes("is already in progress");
      if (statusOf(cause) !== 404 && !goes) throw cause;
    }
    return done(undefined);
  });
}

function watch(
  api: Caller,
  containers: Listing,
  handlers: Parameters<Engine["watch"]>[0],
  signal: AbortSignal,
): Promise<EngineResult<void>> {
  return api.call("watch", signal, async ({ docker, product }) => {
    const { since, filters } = eventQuery(Date.now(), product);
    const stream: unknown = await docker.getEvents({ since, filters, abortSignal: signal });
    if (!isReadable(stream)) return failed(failure("watch", "failed", "The engine's answer is no stream"));
    if (!signal.aborted) handlers.ready();
    for await (const value of jsonLines(stream)) {
      if (signal.aborted) continue;
      if (isImageEvent(value)) handlers.imagesChanged?.();
      const reconfigured = reconfiguredContainer(value);
      if (reconfigured !== null) handlers.reconfigured?.(reconfigured);
      const event = engineEvent(value);
      if (event === null) continue;
      containers.forget(event.containerId);
      handlers.changed(event);
    }
    return failed(failure("watch", "unavailable", "The engine ended the stream of events"));
  });
}

function onContainer<T>(
  api: Caller,
  operation: string,
  id: string,
  signal: AbortSignal,
  work: (container: Docker.Container, connection: Connection) => Promise<EngineResult<T>>,
): Promise<EngineResult<T>> {
  // Ids become part of a path.
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id)) {
    return Promise.resolve(failed(failure(operation, "invalid", "Container id must be letters, digits, and _.-")));
  }
  return api.call(operation, signal, (connection) => work(connection.docker.getContainer(id), connection));
}

function onImage<T>(
  api: Caller,
  operation: string,
  name: string,
  signal: AbortSignal,
  work: (connection: Connection) => Promise<EngineResult<T>>,
): Promise<EngineResult<T>> {
  if (isImageName(name)) return api.call(operation, signal, work);
  // Docker's own words.
  return Promise.resolve(failed(failure(operation, "invalid", `invalid reference format: ${name}`)));
}

/** Some refusals say that there is nothing left to do: 304 for a container that already is so, 404 for one that is gone. */
async function tolerating(statuses: readonly number[], call: Promise<unknown>): Promise<EngineResult<void>> {
  try {
    await call;
  } catch (cause) {
    if (!statuses.includes(statusOf(cause) ?? 0)) throw cause;
  }
  return done(undefined);
}

function done<T>(value: T): EngineResult<T> {
  return { ok: true, value };
}
