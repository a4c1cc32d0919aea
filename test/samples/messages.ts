/** Messages of a central node, for every test that needs some. */
export interface PodMessage {
  readonly name: string;
  readonly uid: string;
  readonly msgId: string;
  readonly resourceVersion?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly container?: Readonly<Record<string, unknown>>;
}

export const testImage = "edge.test/busybox:1";

/** A pod that the default policy accepts: one container, its user not root. */
export function podContent(message: Omit<PodMessage, "msgId">): Record<string, unknown> {
  return {
    metadata: {
      name: message.name,
      namespace: "websocket",
      uid: message.uid,
      resourceVersion: message.resourceVersion ?? "1",
      creationTimestamp: "2026-11-22T00:00:00Z",
      ...message.metadata,
    },
    spec: {
      containers: [
        {
          name: "app",
          image: testImage,
          resources: { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "100m", memory: "16Mi" } },
          securityContext: { runAsUser: 1000, runAsGroup: 1000 },
          ...message.container,
        },
      ],
      restartPolicy: "Always",
      ...message.spec,
    },
  };
}

/** A Pod as a device maker writes it into a file. */
export function factoryPod(name: string): Record<string, unknown> {
  const { spec } = podContent({ name, uid: "" });
  return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec };
}

export function podUpdate(message: PodMessage): string {
  return envelope(message.msgId, "update", `websocket/pod/${message.name}`, podContent(message));
}

/** The same update with the marks of a graceful delete. */
export function gracefulDelete(message: PodMessage, graceSeconds: number): string {
  const marks = { deletionTimestamp: "2026-11-22T00:00:00Z", deletionGracePeriodSeconds: graceSeconds };
  return podUpdate({ ...message, metadata: { ...message.metadata, ...marks } });
}

export function podDelete(message: Pick<PodMessage, "name" | "msgId" | "uid">): string {
  const content = {
    metadata: { name: message.name, namespace: "websocket", uid: message.uid },
    spec: { containers: [{ name: "app" }] },
  };
  return envelope(message.msgId, "delete", `websocket/pod/${message.name}`, content);
}

export function podRestart(message: Pick<PodMessage, "name" | "msgId">): string {
  return envelope(message.msgId, "restart", `websocket/pod/${message.name}`, null);
}

export function configMapUpdate(name: string, msgId: string, data: Readonly<Record<string, string>>): string {
  return envelope(msgId, "update", `websocket/configmap/${name}`, { metadata: { name, namespace: "websocket" }, data });
}

export function configMapDelete(name: string, msgId: string): string {
  return envelope(msgId, "delete", `websocket/configmap/${name}`, null);
}

/** The one secret that a center sends. */
export const registrySecret = "fusion-director-docker-registry-secret";

export function secretUpdate(msgId: string, dockerConfig: unknown): string {
  return envelope(msgId, "update", `websocket/secret/${registrySecret}`, {
    kind: "Secret",
    metadata: { name: registrySecret, namespace: "websocket", uid: registrySecret, resourceVersion: "1" },
    data: { ".dockerconfigjson": Buffer.from(JSON.stringify(dockerConfig)).toString("base64") },
    type: "kubernetes.io/dockerconfigjson",
  });
}

export function podsData(msgId: string): string {
  return envelope(msgId, "delete", "websocket/pods_data", "", false);
}

export function envelope(msgId: string, operation: string, resource: string, content: unknown, sync = true): string {
  return JSON.stringify({
    header: { msg_id: msgId, parent_msg_id: "", timestamp: 1_700_000_000_000, resourceversion: "", sync },
    route: { source: "controller", group: "resource", operation, resource },
    content,
  });
}
