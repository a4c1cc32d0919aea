import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { admitGracefulDelete, admitPod } from "../../../../src/core/admission/admit.ts";
import type { AdmissionContext } from "../../../../src/core/admission/context.ts";
import { admitLocalDelete, admitLocalPod, admitLocalRestart } from "../../../../src/core/admission/local.ts";
import type { NodePod } from "../../../../src/core/admission/node-facts.ts";
import { readPodContent } from "../../../../src/core/admission/pod-content.ts";
import type { Verdict } from "../../../../src/core/base/violation.ts";
import { context, podName, smallContainer, smallPod, withField } from "./pods.ts";

const asks: AdmissionContext = { ...context, asker: { origin: { kind: "local" }, isForced: false } };

function beside(pod: Partial<NodePod> = {}): AdmissionContext {
  const stored = { metadata: { name: "web" }, spec: { containers: [] }, origin: { kind: "local" }, ...pod } as const;
  return { ...asks, node: { ...context.node, pods: [stored] } };
}

const sentences = <T>(verdict: Verdict<T>): readonly string[] =>
  verdict.accepted ? [] : verdict.violations.map(({ path, message }) => `${path}: ${message}`);

const uidWarnings = ({ warnings }: Verdict<unknown>): readonly string[] =>
  warnings.flatMap(({ path }) => (path === "metadata.uid" ? [path] : []));

const kindOf = (kind: unknown): object => withField(smallPod(), "kind", kind);

describe("a Pod of the device", () => {
  it("is accepted with its origin", () => {
    const verdict = admitLocalPod(kindOf("Pod"), asks);
    assert.ok(verdict.accepted && verdict.value.kind === "pod-update");
    assert.deepEqual([verdict.value.pod.id.name, verdict.value.pod.origin], [podName, { kind: "local" }]);
  });

  it("gets a new uid whatever its file says, and keeps it when it is applied again", () => {
    const [own, kept] = ["11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"];
    const uidOf = (content: unknown, judged: AdmissionContext) => {
      const verdict = admitLocalPod(content, {
        ...judged,
        asker: { origin: { kind: "local" }, isForced: true, newUid: own },
      });
      assert.ok(verdict.accepted && verdict.value.kind === "pod-update");
      return [verdict.value.pod.id.uid, verdict.value.pod.metadata.uid, ...uidWarnings(verdict)];
    };
    const unnamed = withField(kindOf("Pod"), "metadata.uid", undefined);
    const named = withField(unnamed, "metadata.uid", "22222222-0000-4000-8000-000000000001");
    const metadata = { name: podName, uid: kept };
    assert.deepEqual(uidOf(unnamed, asks), [own, own]);
    assert.deepEqual(uidOf(named, asks), [own, own, "metadata.uid"]);
    assert.deepEqual(uidOf(unnamed, beside({ metadata })), [kept, kept]);
    const besideCenter = { ...asks, node: { ...context.node, pods: [{ metadata, spec: { containers: [] } }] } };
    assert.deepEqual(uidOf(unnamed, besideCenter), [own, own], "a pod of the center is replaced");
  });

  it("is a Pod and nothing else", () => {
    assert.deepEqual(sentences(admitLocalPod(kindOf("Deployment"), asks)), [
      "kind: kind Deployment is not supported; only Pod is: write its spec.template as a Pod with a name",
    ]);
    const others = ["ConfigMap", "Secret", "Service"].flatMap((kind) => sentences(admitLocalPod(kindOf(kind), asks)));
    assert.deepEqual(others, [
      "kind: kind ConfigMap is not supported; only Pod is: a center sends ConfigMaps and secrets",
      "kind: kind Secret is not supported; only Pod is: a center sends ConfigMaps and secrets",
      "kind: kind Service is not supported; only Pod is",
    ]);
    assert.equal(admitLocalPod(kindOf(undefined), asks).accepted, true, "as edge validate takes it");
  });

  it("is refused with a deletionTimestamp, beside every other violation", () => {
    const deleted = withField(kindOf("Pod"), "metadata.deletionTimestamp", "2024-01-01T00:00:00Z");
    assert.equal(sentences(admitLocalPod(deleted, asks)).length, 1);
    assert.deepEqual(
      sentences(admitLocalPod(withField(deleted, "spec.hostNetwork", "x"), asks)).map((text) => text.split(":")[0]),
      ["metadata.deletionTimestamp", "spec.hostNetwork"],
    );
  });

  it("is told what to write for what people mistype", () => {
    const container = (field: string, value: unknown): object =>
      withField(kindOf("Pod"), "spec.containers", [{ ...smallContainer("app"), [field]: value }]);
    const amounts = { cpu: "20m", memory: "8Mi" };
    const rows: readonly (readonly [string, unknown, readonly string[]])[] = [
      ["command", ["sleep", 1000], ['command[1] is 1000; expected text; write it in quotes: "1000"']],
      [
        "env",
        [{ name: "DEBUG", value: true }],
        ["env[0].value is a boolean (not shown); expected text; write it in quotes"],
      ],
      [
        "resources",
        { requests: amounts, limits: { memroy: "8Mi", disk: "1Gi" } },
        [
          'unknown resource "spec.containers[0].resources.limits.memroy"; did you mean "memory"?',
          'unknown resource "spec.containers[0].resources.limits.disk"; expected cpu, memory, npu, huawei.com/Ascend310',
        ],
      ],
      [
        "resources",
        { requests: amounts, limits: { cpu: "10m", memory: "8Mi" } },
        ['resources.requests.cpu is "20m"; expected at most its limit, 10m'],
      ],
      [
        "livenessProbe",
        { exec: { command: ["/bin/cat", "/tmp/x"] }, periodSeconds: 5 },
        [
          "livenessProbe.exec.command is a list of 2; expected a list of 1, the path of a program; put its arguments into a script of the image",
        ],
      ],
      [
        "readinessProbe",
        { tcpSocket: { port: 80 } },
        ["readinessProbe.tcpSocket is not supported; use exec or httpGet"],
      ],
    ];
    for (const [field, value, expected] of rows) {
      const verdict = admitLocalPod(container(field, value), asks);
      const told = verdict.accepted ? [] : verdict.violations.map(({ message }) => message);
      const full = expected.map((text) => (text.startsWith("unknown") ? text : `spec.containers[0].${text}`));
      assert.deepEqual(told.toSorted(), full.toSorted());
      assert.deepEqual(
        verdict.warnings.filter(({ path }) => path.includes(field)),
        [],
      );
    }
  });

  it("is warned of an image name that no engine accepts, and of a field in a case that Kubernetes does not accept", () => {
    const container = { ...smallContainer("app"), image: "busybox:1:latest", imagePullpolicy: "Always" };
    const { warnings } = admitLocalPod(withField(kindOf("Pod"), "spec.containers", [container]), asks);
    const at = "spec.containers[0]";
    assert.deepEqual(
      warnings.flatMap(({ message }) => (message.startsWith(at) && !message.includes("limits") ? [message] : [])),
      [
        `${at}.image is not an image name that an engine accepts; the pod will not start`,
        `${at}.imagePullpolicy is read as imagePullPolicy; Kubernetes does not accept it`,
      ],
    );
  });

  it("names the securityContext of a container for what the pod has in its own", () => {
    const user = withField(smallPod(), "spec.securityContext", { runAsUser: 1000 });
    assert.deepEqual(sentences(admitLocalPod(user, asks)), [
      "spec.securityContext.runAsUser: spec.securityContext.runAsUser is not supported for a whole pod; write it into the securityContext of each container",
    ]);
  });

  it("may go back to an older resourceVersion", () => {
    const older = withField(kindOf("Pod"), "metadata.resourceVersion", "1");
    const stored = { name: podName, resourceVersion: "2" };
    assert.equal(admitLocalPod(older, beside({ metadata: stored })).accepted, true);
  });
});

describe("an unknown field", () => {
  const first = "spec.containers[0]";
  const mistyped = (path: string, value: unknown = "web:1") => withField(smallPod(), path, value);
  const withoutImage = withField(smallPod(), `${first}.image`, undefined);

  it("is rejected in a Pod of the device, with the field that was meant and no second violation for it", () => {
    const verdict = admitLocalPod(withField(withoutImage, `${first}.imge`, "web:1"), asks);
    assert.ok(!verdict.accepted);
    assert.deepEqual(verdict.violations, [
      {
        path: `${first}.imge`,
        rule: "field.unknown",
        message: `unknown field "${first}.imge"; did you mean "image"?`,
        value: "web:1",
      },
    ]);
    const factory: AdmissionContext = { ...asks, asker: { origin: { kind: "factory", file: "a" }, isForced: false } };
    assert.equal(admitLocalPod(mistyped("spec.hostNetwrk", true), factory).accepted, false);
  });

  it("is rejected with its right place, or with what to do", () => {
    const said = (path: string) => sentences(admitLocalPod(mistyped(path), asks));
    assert.deepEqual(said("spec.image"), ['spec.image: unknown field "spec.image"; it belongs in spec.containers[]']);
    assert.deepEqual(said("containers"), ['containers: unknown field "containers"; it belongs in spec']);
    assert.deepEqual(said(`${first}.kind`), [
      `${first}.kind: unknown field "${first}.kind"; it belongs in the Pod itself`,
    ]);
    assert.deepEqual(said("spec.zzz"), ['spec.zzz: unknown field "spec.zzz"; leave it out']);
    assert.deepEqual(said("spec.path"), ['spec.path: unknown field "spec.path"; leave it out'], "it has many places");
    assert.deepEqual(said("spec.workingDir"), ['spec.workingDir: unknown field "spec.workingDir"; leave it out']);
  });

  it("in an environment variable is rejected without its value", () => {
    const env = [{ name: "PASSWORD", vlaue: "hunter2" }];
    const verdict = admitLocalPod(withField(smallPod(), `${first}.env`, env), asks);
    assert.equal(verdict.accepted, false);
    assert.doesNotMatch(JSON.stringify(verdict), /hunter2/);
    assert.deepEqual(sentences(verdict), [
      `${first}.env[0].vlaue: unknown field "${first}.env[0].vlaue"; did you mean "value"?`,
    ]);
  });

  it("is ignored with a warning in a message of a center", () => {
    const verdict = admitPod(mistyped("spec.zzz"), context);
    assert.equal(verdict.accepted, true);
    assert.deepEqual(
      verdict.warnings.map(({ message }) => message),
      ["spec.zzz is not a field this device knows; it is ignored"],
    );
  });

  it("of which Kubernetes is the author is ignored with a warning, also on the device", () => {
    const printed = ["generateName", "generation", "managedFields"].reduce<object>(
      (pod, name) => withField(pod, `metadata.${name}`, [{}]),
      withField(smallPod(), "status", { phase: "Running", zzz: 1 }),
    );
    const verdict = admitLocalPod(printed, asks);
    assert.deepEqual(sentences(verdict), []);
    const named = verdict.warnings.map(({ path }) => path);
    assert.deepEqual(named.slice(0, 4), [
      ...["metadata.uid", "metadata.generateName", "metadata.generation", "metadata.managedFields"],
    ]);
  });

  it("among a thousand is one of a thousand violations", () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`imag${index}`, 1]));
    const verdict = admitLocalPod({ ...smallPod(), ...many }, asks);
    assert.equal(!verdict.accepted && verdict.violations.length, 1_000);
  });
});

test("warnings of a Pod of the device stand beside its violations", () => {
  const pod = withField(withField(smallPod(), "metadata.labels", { a: "b" }), "spec.hostNetwork", "x");
  const verdict = admitLocalPod(pod, asks);
  assert.equal(verdict.accepted, false);
  assert.ok(verdict.warnings.some(({ path }) => path === "metadata.labels"));
});

test("containers without a memory limit cause one warning on the device, and none in a message of a center", () => {
  const limits = "spec.containers[0].resources.limits.memory";
  const warned = (pod: object, judged: AdmissionContext) =>
    admitPod(pod, judged).warnings.flatMap(({ path, message }) => (path === limits ? [message] : []));
  const killed = `${limits} is missing: the container is killed above its request, 64Mi`;
  assert.deepEqual(warned(smallPod(), asks), [killed]);
  assert.deepEqual(warned(smallPod(), context), []);
  assert.deepEqual(warned(withField(smallPod(), "spec.containers[0].resources", undefined), asks), []);
  assert.deepEqual(warned(withField(smallPod(), limits, "128Mi"), asks), []);
  const three = { ...smallPod(), spec: { containers: ["a", "b", "c"].map(smallContainer) } };
  assert.deepEqual(warned(three, asks), [`${killed}; 2 more containers have none`]);
});

describe("a graceful delete of the center", () => {
  const uid = "22222222-0000-4000-8000-000000000001";
  const uidOf = (sentUid: string | undefined): string | false => {
    const metadata = {
      name: "web",
      deletionTimestamp: "2026-11-20T08:00:00Z",
      ...(sentUid !== undefined && { uid: sentUid }),
    };
    const stored = { metadata: { name: "web", uid }, spec: { containers: [{ name: "app" }] } };
    const sent = { metadata, spec: { containers: [{ name: "app" }] } };
    const verdict = admitGracefulDelete(sent, { ...context, node: beside(stored).node });
    return verdict.accepted && verdict.value.id.uid;
  };

  it("without a uid means the local pod of that name", () => assert.equal(uidOf(undefined), uid));

  it("with a uid means the pod of that uid", () => {
    const other = "33333333-0000-4000-8000-000000000001";
    assert.equal(uidOf(other), other);
  });
});

describe("a delete on the device", () => {
  const of = (namespace: string | null, graceSeconds: number | null = null) => ({
    namespace,
    name: "web",
    graceSeconds,
  });

  it("names a pod that is here", () => {
    const verdict = admitLocalDelete(of(null), beside());
    assert.deepEqual(verdict.accepted && verdict.value, { kind: "pod-delete", namespace: "websocket", name: "web" });
    const quick = admitLocalDelete(of("websocket", 3), beside());
    assert.equal(quick.accepted && quick.value.kind === "pod-delete" && quick.value.graceSeconds, 3);
    assert.deepEqual(sentences(admitLocalDelete(of("mef-user"), beside())), [
      "metadata.name: there is no pod web on this device",
    ]);
  });

  it("is refused for a pod of another owner", () => {
    const factory = beside({ origin: { kind: "factory", file: "a.yaml" } });
    assert.deepEqual(sentences(admitLocalDelete(of(null), factory)), [
      "metadata.name: web is a factory pod; remove its file a.yaml",
    ]);
  });
});

describe("a restart on the device", () => {
  const web = { namespace: null, name: "web" };

  it("names a pod that is here and may run again", () => {
    const verdict = admitLocalRestart(web, beside());
    assert.deepEqual(verdict.accepted && verdict.value, { kind: "pod-restart", namespace: "websocket", name: "web" });
    assert.equal(admitLocalRestart({ namespace: null, name: "db" }, beside()).accepted, false);
    assert.deepEqual(sentences(admitLocalRestart(web, beside({ spec: { containers: [], restartPolicy: "Never" } }))), [
      "spec.restartPolicy: pod web runs once, as its restartPolicy is Never; delete it and apply it again",
    ]);
  });
});

describe("the text of a Pod", () => {
  it("is read within the limits of a message", () => {
    const read = readPodContent('{"metadata":{"name":"web"}}');
    assert.deepEqual(read, { ok: true, content: { metadata: { name: "web" } }, key: "websocket/web" });
    assert.deepEqual(readPodContent("[]"), { ok: true, content: [], key: null });
    assert.deepEqual(readPodContent("{"), { ok: false, reason: "not valid JSON" });
    assert.deepEqual(readPodContent(`"${"x".repeat(1_048_576)}"`), { ok: false, reason: "over 1048576 bytes" });
    assert.deepEqual(readPodContent("[".repeat(65)), { ok: false, reason: "nests deeper than 64 levels" });
  });
});
