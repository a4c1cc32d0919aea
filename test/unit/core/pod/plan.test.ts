import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerHistory } from "../../../../src/core/pod/container-history.ts";
import type { Situation } from "../../../../src/core/pod/situation.ts";
import { stillWanted } from "../../../../src/core/pod/terminating-plan.ts";
import { wantedKey } from "../../../../src/core/pod/wanted.ts";
import {
  acceptedPod,
  ago,
  container,
  desiredPod,
  exited,
  historyOf,
  now,
  running,
  terminatingPod,
  termination,
} from "../../../samples/pods.ts";
import { noNpus, type PlanGolden, planOf, planText } from "./plan-text.ts";

const pod = acceptedPod();
const desired = desiredPod();
const created = { kind: "created" } as const;
const here = { app: "sha256:app" };
const newer = desiredPod({ image: "app:2" });
const wanted = wantedKey(desired, pod.spec.containers[0] ?? assert.fail());
const unhealthy = { ready: null, live: false, why: "liveness probe failed: exit code 1" };
const failure = (reason: string, count: number, containerId: string | null = null) => ({
  reason,
  message: "no such luck",
  count,
  wanted,
  containerId,
  at: ago(3_000),
});

const pullFailed = (count: number, msAgo: number) => ({ ...failure("ErrImagePull", count), at: ago(msAgo) });

const held = { reason: "DiskPressure", message: "less than there should be" };
const replaced = terminatingPod("replaced");
const again = container(pod, running(), { generation: 1 });

const goldens: readonly PlanGolden[] = [
  { name: "nothing is wanted and nothing is there", situation: {}, expected: "" },
  {
    name: "a new pod: the image is looked up first",
    situation: { desired },
    expected: "look up image app:1 for app, because the pod is new\napp waits: ContainerCreating",
  },
  {
    name: "a new pod whose image is not here",
    situation: { desired, images: { app: null } },
    expected: "pull app:1 for app, because the pod is new, and its image is not here\napp waits: ContainerCreating",
  },
  {
    name: "a new pod whose image is here",
    situation: { desired, images: here },
    expected: "create app, attempt 0, because the pod is new\napp waits: ContainerCreating",
  },
  {
    name: "a new pod on a node under pressure: not even its image is looked up",
    situation: { desired, startsHeld: held },
    expected: "app waits: DiskPressure: less than there should be",
  },
  {
    name: "under pressure, and its image is pinned already",
    situation: { desired, startsHeld: held, history: { app: historyOf(pod) }, images: here },
    expected: "app waits: DiskPressure: less than there should be",
  },
  {
    name: "under pressure a pod that has begun goes on",
    situation: {
      desired,
      startsHeld: held,
      images: here,
      observed: [container(pod, created)],
      history: { app: historyOf(pod) },
    },
    expected: "start app (app-id-of-at), because it is made and does not run yet\napp waits: ContainerCreating",
  },
  {
    name: "under pressure what ended is restarted",
    situation: {
      desired,
      startsHeld: held,
      images: here,
      history: { app: historyOf(pod, { termination: termination(1) }) },
    },
    expected: "create app, attempt 1, because it ended with code 1\napp waits: ContainerCreating",
  },
  {
    name: "under pressure a new pod leaves the older one of its name alone",
    situation: {
      desired: desiredPod({ uid: "u2" }),
      startsHeld: held,
      terminating: [replaced],
      observed: [container(pod, running())],
    },
    expected: "app waits: DiskPressure: less than there should be",
  },
  {
    name: "under pressure a deleted pod goes all the same",
    situation: {
      desired: desiredPod({ uid: "u2" }),
      startsHeld: held,
      terminating: [terminatingPod("deleted")],
      observed: [container(pod, running())],
    },
    expected:
      "stop app (app-id-of-at) within 30 s, because message m3 deletes the pod\napp waits: DiskPressure: less than there should be",
  },
  {
    name: "a delete with a grace of 0: the container has one second",
    situation: {
      terminating: [terminatingPod("deleted", { graceSeconds: 0 })],
      observed: [container(pod, running())],
    },
    expected: "stop app (app-id-of-at) within 1 s, because message m3 deletes the pod",
  },
  {
    name: "Always: the name is pulled although an image is here",
    situation: { desired: desiredPod({ pull: "Always" }), images: here },
    expected: "pull app:1 for app, because the pod is new\napp waits: ContainerCreating",
  },
  {
    name: "made and not started, by us or by the agent that crashed",
    situation: { desired, observed: [container(pod, created)], history: { app: historyOf(pod) } },
    expected: "start app (app-id-of-at), because it is made and does not run yet\napp waits: ContainerCreating",
  },
  {
    name: "it runs as it is wanted: adopted, nothing to do",
    situation: { desired, observed: [container(pod, running())], history: {} },
    expected: "",
  },
  {
    name: "Always, the first death: restarted at once",
    situation: {
      desired,
      images: here,
      observed: [container(pod, exited(1))],
      history: { app: historyOf(pod, { termination: termination(1), diedAt: ago(1_000) }) },
    },
    expected: "create app, attempt 1, because it ended with code 1\napp waits: ContainerCreating",
  },
  {
    name: "Always, the third death: back-off of 20 s, 5 of them over",
    situation: {
      desired,
      images: here,
      observed: [container(pod, exited(1), { attempt: 2 })],
      history: {
        app: historyOf(pod, { attempt: 2, termination: termination(1), backoffLevel: 2, diedAt: ago(5_000) }),
      },
    },
    expected:
      "app waits: CrashLoopBackOff: back-off 20s restarting failed container=app pod=web_websocket(u1)\nlook again in 15 s",
  },
  {
    name: "back-off from before a reboot is over, the pinned image is taken",
    situation: {
      desired,
      observed: [container(pod, exited(1), { attempt: 2 })],
      history: {
        app: historyOf(pod, {
          attempt: 2,
          termination: termination(1),
          backoffLevel: 6,
          diedAt: { ...ago(5_000), bootId: "boot-0" },
        }),
      },
    },
    expected: "look up image sha256:app for app, because it ended with code 1\napp waits: ContainerCreating",
  },
  ...(["OnFailure", "Never"] as const).map(
    (policy): PlanGolden => ({
      name: `${policy}, ended with 0: done`,
      situation: {
        desired: desiredPod({ policy }),
        images: here,
        observed: [container(acceptedPod({ policy }), exited(0))],
        history: { app: historyOf(acceptedPod({ policy }), { termination: termination(0), diedAt: ago(1_000) }) },
      },
      expected: "",
    }),
  ),
  {
    name: "Never, ended with 1: done",
    situation: {
      desired: desiredPod({ policy: "Never" }),
      images: here,
      observed: [container(acceptedPod({ policy: "Never" }), exited(1))],
      history: {
        app: historyOf(acceptedPod({ policy: "Never" }), { termination: termination(1), diedAt: ago(1_000) }),
      },
    },
    expected: "",
  },
  {
    name: "OnFailure, ended with 0 because the power went: not done",
    situation: {
      desired: desiredPod({ policy: "OnFailure" }),
      images: here,
      observed: [container(acceptedPod({ policy: "OnFailure" }), exited(0))],
      history: {
        app: historyOf(acceptedPod({ policy: "OnFailure" }), {
          termination: termination(0, { interrupted: true }),
          diedAt: ago(1_000),
        }),
      },
    },
    expected: "create app, attempt 1, because the engine or the device stopped it\napp waits: ContainerCreating",
  },
  {
    name: "a changed image: looked up while the old container runs on",
    situation: { desired: newer, observed: [container(pod, running())], history: { app: historyOf(pod) } },
    expected: "look up image app:2 for app, because message m2 changes the container",
  },
  {
    name: "a changed image that is not here: pulled while the old container runs on",
    situation: {
      desired: newer,
      observed: [container(pod, running())],
      history: { app: historyOf(pod) },
      images: { app: null },
    },
    expected:
      "pull app:2 for app, because message m2 changes the container, and its image is not here\nthe update of app waits: ContainerCreating",
  },
  {
    name: "a name that no image can have: nobody is asked, and only a message helps",
    situation: { desired: desiredPod({ image: "a//b" }), images: here },
    expected: 'app waits: InvalidImageName: Could not parse image name "a//b": invalid reference format',
  },
  {
    name: "a failed pull is repeated: the reason stays, with the last error",
    situation: { desired, images: { app: null }, history: { app: historyOf(pod, { failure: pullFailed(3, 41_000) }) } },
    expected:
      'pull app:1 for app, because it was never made, and its image is not here\napp waits: ImagePullBackOff: Back-off pulling image "app:1": no such luck',
  },
  {
    name: "a failed pull is repeated: the reason stays while the image is looked up, too",
    situation: { desired, history: { app: historyOf(pod, { failure: pullFailed(1, 11_000) }) } },
    expected: "look up image sha256:app for app, because it was never made\napp waits: ErrImagePull: no such luck",
  },
  {
    name: "a changed image that is here: now the old container stops",
    situation: {
      desired: newer,
      observed: [container(pod, running())],
      history: { app: historyOf(pod) },
      images: here,
    },
    expected: "stop app (app-id-of-at) within 30 s, because message m2 changes the container",
  },
  {
    name: "a restart message: replaced although nothing else changed",
    situation: {
      desired: desiredPod({ generation: 1 }),
      observed: [container(pod, running())],
      history: { app: historyOf(pod) },
      images: here,
    },
    expected: "stop app (app-id-of-at) within 30 s, because message m2 asks for a restart",
  },
  {
    name: "the liveness probe failed: stopped, whatever else is wanted of it",
    situation: {
      desired: newer,
      observed: [container(pod, running())],
      history: { app: historyOf(pod) },
      images: { app: null },
      probes: { "app-id-of-attempt-0": unhealthy },
    },
    expected: "stop app (app-id-of-at) within 30 s, because liveness probe failed: exit code 1",
  },
  {
    name: "the liveness probe of an earlier attempt failed: that is over",
    situation: {
      desired,
      observed: [container(pod, running(), { attempt: 1 })],
      history: { app: historyOf(pod, { attempt: 1 }) },
      probes: { "app-id-of-attempt-0": unhealthy },
    },
    expected: "",
  },
  {
    name: "stopped for its liveness probe: it comes again as after any death",
    situation: {
      desired,
      images: here,
      observed: [container(pod, exited(137))],
      probes: {},
      history: { app: historyOf(pod, { termination: termination(137), diedAt: ago(1_000) }) },
    },
    expected: "create app, attempt 1, because it ended with code 137\napp waits: ContainerCreating",
  },
  {
    name: "deleted while its liveness probe fails: it goes for the delete",
    situation: {
      terminating: [terminatingPod("deleted")],
      observed: [container(pod, running())],
      probes: { "app-id-of-attempt-0": unhealthy },
    },
    expected: "stop app (app-id-of-at) within 30 s, because message m3 deletes the pod",
  },
  {
    name: "a failed pull waits, and says why",
    situation: { desired, history: { app: historyOf(pod, { failure: failure("ErrImagePull", 1) }) } },
    expected: "app waits: ErrImagePull: no such luck\nlook again in 7 s",
  },
  {
    name: "the next failed pull is a back-off",
    situation: { desired, history: { app: historyOf(pod, { failure: failure("ErrImagePull", 3) }) } },
    expected: 'app waits: ImagePullBackOff: Back-off pulling image "app:1": no such luck\nlook again in 37 s',
  },
  {
    name: "a start that failed waits with its container",
    situation: {
      desired,
      observed: [container(pod, { kind: "created", startError: "port is already allocated" })],
      history: { app: historyOf(pod, { failure: failure("RunContainerError", 1, "app-id-of-attempt-0") }) },
    },
    expected: "app waits: RunContainerError: no such luck\nlook again in 7 s",
  },
  {
    name: "a start that failed, its wait over: made anew under the same attempt",
    situation: {
      desired,
      observed: [container(pod, { kind: "created", startError: "port is already allocated" })],
      history: { app: historyOf(pod, { failure: { ...failure("RunContainerError", 1), at: ago(11_000) } }) },
    },
    expected: "remove app (app-id-of-at), because its start failed, and it is made anew\napp waits: ContainerCreating",
  },
  {
    name: "the kernel takes no negative OOM score: made anew without one, at once",
    situation: {
      desired,
      observed: [container(pod, { kind: "created", startError: "oom_score_adj" })],
      history: { app: historyOf(pod, { failure: failure("OomScoreRefused", 1, "app-id-of-attempt-0") }) },
    },
    expected: "remove app (app-id-of-at), because its start failed, and it is made anew\napp waits: ContainerCreating",
  },
  {
    name: "it takes none at all: a start that failed like any other",
    situation: {
      desired,
      observed: [container(pod, { kind: "created", startError: "oom_score_adj" })],
      history: { app: historyOf(pod, { failure: failure("OomScoreRefused", 2, "app-id-of-attempt-0") }) },
    },
    expected: "app waits: RunContainerError: no such luck\nlook again in 7 s",
  },
  {
    name: "what failed for another specification does not hold up a new one",
    situation: { desired: newer, history: { app: historyOf(pod, { failure: failure("ErrImagePull", 6) }) } },
    expected: "look up image app:2 for app, because it was never made\napp waits: ContainerCreating",
  },
  {
    name: "a start that hung is carried out after its container was replaced: the older one is stopped",
    situation: {
      desired,
      history: { app: historyOf(pod, { attempt: 1 }) },
      observed: [container(pod, running()), container(pod, running(), { attempt: 1 })],
    },
    expected: "stop app (app-id-of-at) within 30 s, because a newer attempt has taken its place",
  },
  {
    name: "dead containers beyond the last one are cleared away",
    situation: {
      desired,
      history: { app: historyOf(pod, { attempt: 2 }) },
      observed: [
        container(pod, exited(1)),
        container(pod, exited(1), { attempt: 1 }),
        container(pod, running(), { attempt: 2 }),
      ],
    },
    expected: "remove app (app-id-of-at), because a newer attempt has taken its place",
  },
  {
    name: "deleted: stopped with what is left of its grace",
    situation: { terminating: [terminatingPod("deleted", { sinceMs: 12_000 })], observed: [container(pod, running())] },
    expected: "stop app (app-id-of-at) within 18 s, because message m3 deletes the pod",
  },
  {
    name: "deleted and stopped: removed",
    situation: { terminating: [terminatingPod("deleted")], observed: [container(pod, exited(0))] },
    expected: "remove app (app-id-of-at), because message m3 deletes the pod",
  },
  {
    name: "deleted and removed: let go of",
    situation: { terminating: [terminatingPod("deleted")] },
    expected: "let go of web, because none of its containers is left",
  },
  {
    name: "a new uid under the same name: its image first, the old pod runs on",
    situation: {
      desired: desiredPod({ uid: "u2" }),
      terminating: [terminatingPod("replaced")],
      observed: [container(pod, running())],
      images: { app: null },
    },
    expected:
      "pull app:1 for app, because a new pod of this name needs it, and its image is not here\napp waits: ContainerCreating",
  },
  {
    name: "a new uid under the same name, its image here: the old pod goes",
    situation: {
      desired: desiredPod({ uid: "u2" }),
      terminating: [terminatingPod("replaced")],
      observed: [container(pod, running())],
      images: here,
    },
    expected:
      "stop app (app-id-of-at) within 30 s, because message m3 brings a new pod of this name, and its images are here\napp waits: ContainerCreating",
  },
  {
    name: "an unknown pod was deleted: what bears its name goes, the pod that is wanted stays",
    situation: {
      desired,
      terminating: [{ ...terminatingPod("deleted"), pod: null, id: { ...pod.id, uid: "" } }],
      observed: [container(pod, running()), container(acceptedPod({ uid: "u9" }), exited(1))],
    },
    expected: "remove app (app-id-of-at), because message m3 deletes the pod",
  },
  {
    name: "an unknown pod was deleted: the pod that is to be replaced stays until then",
    situation: {
      desired: desiredPod({ uid: "u2" }),
      terminating: [{ ...terminatingPod("deleted"), pod: null, id: { ...pod.id, uid: "" } }, replaced],
      observed: [container(pod, running())],
      images: here,
    },
    expected: "let go of web, because none of its containers is left\napp waits: ContainerCreating",
  },
  {
    name: "a pod was deleted beside containers of its name that no row knows: all go",
    situation: {
      terminating: [terminatingPod("deleted")],
      observed: [container(acceptedPod({ uid: "u9" }), running(), { id: "stray" })],
    },
    expected: "stop app (stray) within 30 s, because message m3 deletes the pod",
  },
  {
    name: "a pod was deleted whose containers had been restarted before its row was lost: they go",
    situation: { terminating: [terminatingPod("deleted")], observed: [container(pod, exited(0), { generation: 2 })] },
    expected: "remove app (app-id-of-at), because message m3 deletes the pod",
  },
  {
    name: "a pod was deleted and is wanted again: what is made for that stays",
    situation: { desired: { ...desired, generation: 1 }, terminating: [terminatingPod("deleted")], observed: [again] },
    expected: "let go of web, because none of its containers is left",
  },
];

const hungry: typeof desired = {
  ...desired,
  pod: {
    ...pod,
    spec: {
      ...pod.spec,
      containers: pod.spec.containers.map((one) => ({ ...one, resources: { limits: { npu: "2" }, requests: {} } })),
    },
  },
};
const present = ["davinci0", "davinci1", "davinci2"];
const holder = { pod: { namespace: "websocket", name: "other", uid: "u9" }, container: "app" };

const withNpus: readonly PlanGolden[] = [
  {
    name: "NPUs are chosen last, when the image is here",
    situation: { desired: hungry, npus: { present, missing: null, holders: [] } },
    expected: "look up image app:1 for app, because the pod is new\napp waits: ContainerCreating",
  },
  {
    name: "the container is made with the lowest NPUs that are free",
    situation: {
      desired: hungry,
      images: here,
      npus: { present, missing: null, holders: [{ ...holder, npu: "davinci1" }] },
    },
    expected:
      "create app, attempt 0, with davinci0, with davinci2, because the pod is new\napp waits: ContainerCreating",
  },
  {
    name: "an NPU that somebody still holds is waited for",
    situation: {
      desired: hungry,
      images: here,
      npus: { present: present.slice(1), missing: null, holders: [{ ...holder, npu: "davinci1" }] },
    },
    expected:
      "app waits: ContainerCreating: It needs 2 NPUs, and 1 is free: davinci1 is held by websocket/other/app\nlook again in 5 s",
  },
  {
    name: "what runs is left alone when its NPUs have gone",
    situation: {
      desired: hungry,
      history: { app: historyOf(hungry.pod) },
      observed: [container(hungry.pod, running(), { npus: ["davinci0", "davinci1"] })],
      npus: { present: [], missing: "/dev/davinci_manager", holders: [] },
    },
    expected: "",
  },
  {
    name: "what died is not made again before its NPUs are back",
    situation: {
      desired: hungry,
      images: here,
      history: { app: historyOf(hungry.pod, { termination: termination(1), diedAt: ago(60_000) }) },
      npus: { present: ["davinci1"], missing: null, holders: [{ npu: "davinci0", pod: pod.id, container: "app" }] },
    },
    expected:
      "app waits: ContainerCreating: It needs 2 NPUs, and 1 is free: davinci0 is not there any more\nlook again in 5 s",
  },
];

for (const { name, situation, expected } of [...goldens, ...withNpus]) {
  test(name, () => assert.equal(planText(situation), expected));
}

/** A new uid wants the name and its image is on its way; what is left of the old pod is given. */
function oldPod(observed: Situation["observed"], changes: Partial<ContainerHistory> = {}): string {
  const old = terminatingPod("replaced");
  const whole = { desired: desiredPod({ uid: "u2" }), terminating: [old], observed, images: { app: null } };
  assert.equal(planOf(whole).keepsRunning, old);
  const known = { history: { app: historyOf(pod, changes) }, images: here };
  const situation = stillWanted(
    { before: null, history: {}, probes: {}, startsHeld: null, npus: noNpus, now, ...whole },
    old,
    known,
  );
  return situation === null ? "nothing is done for it" : planText(situation);
}

test("a new uid under the same name, its image not here: the old pod lives on by its restart policy", () => {
  assert.equal(oldPod([container(pod, running())]), "");
  assert.equal(
    oldPod([container(pod, exited(1))], { termination: termination(1), diedAt: ago(1_000) }),
    "create app, attempt 1, because it ended with code 1\napp waits: ContainerCreating",
  );
  const loop = oldPod([container(pod, exited(1))], {
    termination: termination(1),
    diedAt: ago(1_000),
    backoffLevel: 1,
  });
  assert.match(loop, /^app waits: CrashLoopBackOff: .*\nlook again in 9 s$/);
  assert.equal(oldPod([]), "nothing is done for it", "what has no container is not begun any more");
});

test("a pod that was told to go does not live on", () => {
  const terminating = [terminatingPod("deleted"), terminatingPod("replaced")];
  assert.equal(
    planOf({ desired: desiredPod({ uid: "u2" }), terminating: terminating, images: { app: null } }).keepsRunning,
    undefined,
  );
});
