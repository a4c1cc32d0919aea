import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type Docker from "dockerode";
import { pack } from "tar-stream";
import { makeImage, testImages } from "../../scripts/test-images.ts";
import { gracefulDelete, type PodMessage, podContent, podUpdate, registrySecret } from "../samples/messages.ts";
import type { Site } from "./harness.ts";

/** A pod and how it is broken; its name is that of its golden screen. */
export interface BrokenPod {
  readonly name: string;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly container?: Readonly<Record<string, unknown>>;
  /** Its state passes by itself within a minute: it is sent last and looked at first. */
  readonly isBrief?: true;
  /** What is done to it once it runs. */
  readonly breaks?: (running: RunningPod) => Promise<unknown>;
  /** STATUS and REASON of the screen that lasts. */
  readonly status: string;
  readonly reason?: RegExp;
}

interface RunningPod {
  /** What it was made from. */
  readonly message: PodMessage;
  /** Id of its one container. */
  readonly id: string;
}

/** Registries, as image names begin with them, and a port of the device that another program takes. */
export interface Surroundings {
  /** Nobody listens there. */
  readonly gone: string;
  /** It has no image; is asked too often for the one called busy, is slow with slow and fails with odd. */
  readonly answering: string;
  /** It rejects every login. */
  readonly locked: string;
  readonly hostPort: number;
}

const sleeps = { command: ["/bin/sleep", "1000"] };
const never = { restartPolicy: "Never" };
const sh = (words: string) => ({ command: ["/bin/sh", "-c", words] });
const fails = {
  exec: { command: ["/bin/false"] },
  initialDelaySeconds: 1,
  periodSeconds: 1,
  timeoutSeconds: 5,
  successThreshold: 1,
  failureThreshold: 3,
};
const longLabels = "edge.test/screens:labels";
const otherGroups = "edge.test/screens:groups";
/** The login that the locked registry rejects. */
export const wrongPassword = { username: "edge", password: "wrong" };

export function brokenPods(site: Site, around: Surroundings): readonly BrokenPod[] {
  const { gone, answering, locked, hostPort } = around;
  const polite = site.script("polite.sh", "trap 'exit 0' TERM\nwhile true; do sleep 1; done\n");
  const polited = { command: polite.command, volumeMounts: polite.volumeMounts };
  const accept = async (message: string) => assert.equal((await site.ask(message)).content, "OK");
  const missing = { path: `${site.hostFolder}/missing`, type: "" };
  const published = { containerPort: 80, hostIP: "127.0.0.1", hostPort, protocol: "TCP" };
  return [
    { name: "running", container: sleeps, status: "Running" },
    {
      name: "container-creating",
      container: { image: `${answering}/slow:1` },
      isBrief: true,
      status: "ContainerCreating",
      reason: /Pulling image/,
    },
    {
      name: "registry-asked-too-often",
      container: { image: `${answering}/busy:1` },
      isBrief: true,
      status: "ErrImagePull",
      reason: /too often/,
    },
    { name: "completed", spec: never, container: { command: ["/bin/true"] }, status: "Completed" },
    { name: "exit-code", spec: never, container: sh("exit 3"), status: "Error", reason: /exit code 3/ },
    {
      name: "out-of-memory-once",
      spec: never,
      container: { command: ["/bin/tail", "/dev/zero"] },
      status: "OOMKilled",
      reason: /limit/,
    },
    {
      name: "container-out-of-memory",
      container: { command: ["/bin/tail", "/dev/zero"] },
      status: "CrashLoopBackOff",
      reason: /OOMKilled/,
    },
    { name: "crash-loop", container: sh("exit 3"), status: "CrashLoopBackOff", reason: /exit code 3/ },
    { name: "ends-well", container: { command: ["/bin/true"] }, status: "CrashLoopBackOff", reason: /exit code 0/ },
    {
      name: "missing-program",
      spec: never,
      container: { command: ["/bin/nothing"] },
      status: "ContainerCannotRun",
      reason: /nothing/,
    },
    {
      name: "missing-program-loop",
      container: { command: ["/bin/nothing"] },
      status: "CrashLoopBackOff",
      reason: /nothing/,
    },
    {
      name: "foreign-image",
      container: { image: testImages.foreign },
      status: "CreateContainerError",
      reason: /this device is/,
    },
    {
      name: "missing-host-path",
      spec: { volumes: [{ name: "gone", hostPath: missing }] },
      container: { ...sleeps, volumeMounts: [{ name: "gone", mountPath: "/gone", readOnly: true }] },
      status: "CreateContainerConfigError",
      reason: /does not exist/,
    },
    {
      name: "missing-config-map",
      spec: { volumes: [{ name: "settings", configMap: { name: "app-settings", defaultMode: 420 } }] },
      container: { ...sleeps, volumeMounts: [{ name: "settings", mountPath: "/settings", readOnly: true }] },
      status: "CreateContainerConfigError",
      reason: /app-settings/,
    },
    {
      name: "root-image",
      container: { image: testImages.root, securityContext: {} },
      status: "CreateContainerConfigError",
      reason: /root/,
    },
    {
      name: "unreachable-registry",
      container: { image: `${gone}/none:1` },
      status: "ImagePullBackOff",
      reason: /refused/,
    },
    {
      name: "missing-image",
      container: { image: `${answering}/missing:1` },
      status: "ImagePullBackOff",
      reason: /has no image/,
    },
    {
      name: "error-of-the-registry",
      container: { image: `${answering}/odd:1` },
      status: "ImagePullBackOff",
      reason: /500/,
    },
    {
      name: "wrong-registry-password",
      spec: { imagePullSecrets: [{ name: registrySecret }] },
      container: { image: `${locked}/private:1` },
      status: "ImagePullBackOff",
      reason: /rejected the user name or password/,
    },
    {
      name: "missing-registry-secret",
      container: { image: `${locked}/private:1` },
      status: "ImagePullBackOff",
      reason: /without credentials/,
    },
    { name: "invalid-image-name", container: { image: "edge.test//app:1" }, status: "InvalidImageName", reason: /./ },
    {
      name: "long-image-configuration",
      container: { image: longLabels },
      status: "ImageInspectError",
      reason: /characters/,
    },
    {
      name: "groups-of-the-image",
      spec: never,
      container: { ...sleeps, image: otherGroups },
      status: "GroupsDiffer",
      reason: /groups/,
    },
    {
      name: "port-taken",
      container: { ...sh("sleep 2"), ports: [published] },
      status: "RunContainerError",
      reason: /already used by/,
    },
    {
      name: "failing-probe",
      container: { ...sleeps, readinessProbe: fails },
      status: "Running",
      reason: /readiness failing/,
    },
    {
      name: "failing-liveness-probe",
      spec: { volumes: polite.volumes },
      container: { ...polited, livenessProbe: fails },
      status: "CrashLoopBackOff",
      reason: /liveness probe failed/,
    },
    {
      name: "one-done-one-not-ready",
      spec: {
        restartPolicy: "OnFailure",
        containers: [
          container("job", { command: ["/bin/true"] }),
          container("server", { ...sleeps, readinessProbe: fails }),
        ],
      },
      status: "NotReady",
      reason: /readiness failing/,
    },
    {
      name: "update-without-image",
      container: sleeps,
      breaks: ({ message }) => accept(podUpdate(next(message, { ...sleeps, image: `${gone}/none:2` }))),
      status: "Running",
      reason: /waits for the image.*refused/,
    },
    {
      name: "deleted-by-hand",
      spec: never,
      container: sleeps,
      // An agent that lists between the end and the removal knows the exit code: it stands still meanwhile.
      async breaks({ id }) {
        site.freeze("agent");
        await site.docker.getContainer(id).remove({ force: true });
        site.thaw("agent");
      },
      status: "ContainerStatusUnknown",
      reason: /./,
    },
    {
      name: "terminating",
      container: sleeps,
      breaks: ({ message }) => accept(gracefulDelete(next(message, sleeps), 120)),
      status: "Terminating",
      reason: /^its containers have until \d\d:\d\d:\d\dZ to stop$/,
    },
  ];
}

/** A container of a pod with several. */
function container(name: string, changes: Readonly<Record<string, unknown>>): unknown {
  const { spec } = podContent({ name, uid: "", container: { name, ...changes } });
  return (spec as { readonly containers: readonly unknown[] }).containers[0];
}

/** The message after one, with another container. */
function next(message: PodMessage, changed: Readonly<Record<string, unknown>>): PodMessage {
  return {
    ...message,
    msgId: message.msgId.replace(/^./, "2"),
    resourceVersion: "2",
    container: { ...message.container, ...changed },
  };
}

/** Makes the images of `brokenPods` that are wrong themselves. */
export async function makeWrongImages(docker: Docker, arch: string): Promise<void> {
  const { archive } = await makeImage(
    longLabels,
    await tarOf("etc/none", ""),
    { Labels: { long: "x".repeat(300_000) } },
    arch,
  );
  await buffer(await docker.loadImage(Readable.from([archive])));
  // The engine takes the number of the group that is to be used for a name.
  const made = await docker.createContainer({ Image: testImages.busybox });
  await made.putArchive(await tarOf("etc/group", "1000:x:0:\n"), { path: "/" });
  const [repo = "", tag = ""] = otherGroups.split(/:(?=[^:]*$)/);
  await made.commit({ repo, tag });
  await made.remove();
}

async function tarOf(name: string, content: string): Promise<Buffer> {
  const stream = pack();
  stream.entry({ name, mode: 0o644 }, content);
  stream.finalize();
  return buffer(stream);
}
