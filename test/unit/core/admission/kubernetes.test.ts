import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  Container,
  ContainerPort,
  EnvVar,
  HTTPGetAction,
  PodSecurityContext,
  PodSpec,
  Probe,
  SecurityContext,
  Toleration,
  Volume,
  VolumeMount,
} from "kubernetes-types/core/v1.js";
import { podRules } from "../../../../src/core/admission/pod-rules.ts";

/** Every field of a type by name: the compiler refuses a list that lacks one or has one too many. */
type Every<T> = { readonly [K in keyof Required<T>]: 0 };

const container: Every<Container> = {
  args: 0,
  command: 0,
  env: 0,
  envFrom: 0,
  image: 0,
  imagePullPolicy: 0,
  lifecycle: 0,
  livenessProbe: 0,
  name: 0,
  ports: 0,
  readinessProbe: 0,
  resizePolicy: 0,
  resources: 0,
  restartPolicy: 0,
  securityContext: 0,
  startupProbe: 0,
  stdin: 0,
  stdinOnce: 0,
  terminationMessagePath: 0,
  terminationMessagePolicy: 0,
  tty: 0,
  volumeDevices: 0,
  volumeMounts: 0,
  workingDir: 0,
};
const containerPort: Every<ContainerPort> = { containerPort: 0, hostIP: 0, hostPort: 0, name: 0, protocol: 0 };
const envVar: Every<EnvVar> = { name: 0, value: 0, valueFrom: 0 };
const httpGet: Every<HTTPGetAction> = { host: 0, httpHeaders: 0, path: 0, port: 0, scheme: 0 };
const podSecurityContext: Every<PodSecurityContext> = {
  appArmorProfile: 0,
  fsGroup: 0,
  fsGroupChangePolicy: 0,
  runAsGroup: 0,
  runAsNonRoot: 0,
  runAsUser: 0,
  seLinuxOptions: 0,
  seccompProfile: 0,
  supplementalGroups: 0,
  sysctls: 0,
  windowsOptions: 0,
};
const podSpec: Every<PodSpec> = {
  activeDeadlineSeconds: 0,
  affinity: 0,
  automountServiceAccountToken: 0,
  containers: 0,
  dnsConfig: 0,
  dnsPolicy: 0,
  enableServiceLinks: 0,
  ephemeralContainers: 0,
  hostAliases: 0,
  hostIPC: 0,
  hostNetwork: 0,
  hostPID: 0,
  hostUsers: 0,
  hostname: 0,
  imagePullSecrets: 0,
  initContainers: 0,
  nodeName: 0,
  nodeSelector: 0,
  os: 0,
  overhead: 0,
  preemptionPolicy: 0,
  priority: 0,
  priorityClassName: 0,
  readinessGates: 0,
  resourceClaims: 0,
  restartPolicy: 0,
  runtimeClassName: 0,
  schedulerName: 0,
  schedulingGates: 0,
  securityContext: 0,
  serviceAccount: 0,
  serviceAccountName: 0,
  setHostnameAsFQDN: 0,
  shareProcessNamespace: 0,
  subdomain: 0,
  terminationGracePeriodSeconds: 0,
  tolerations: 0,
  topologySpreadConstraints: 0,
  volumes: 0,
};
const probe: Every<Probe> = {
  exec: 0,
  failureThreshold: 0,
  grpc: 0,
  httpGet: 0,
  initialDelaySeconds: 0,
  periodSeconds: 0,
  successThreshold: 0,
  tcpSocket: 0,
  terminationGracePeriodSeconds: 0,
  timeoutSeconds: 0,
};
const securityContext: Every<SecurityContext> = {
  allowPrivilegeEscalation: 0,
  appArmorProfile: 0,
  capabilities: 0,
  privileged: 0,
  procMount: 0,
  readOnlyRootFilesystem: 0,
  runAsGroup: 0,
  runAsNonRoot: 0,
  runAsUser: 0,
  seLinuxOptions: 0,
  seccompProfile: 0,
  windowsOptions: 0,
};
const toleration: Every<Toleration> = { effect: 0, key: 0, operator: 0, tolerationSeconds: 0, value: 0 };
const volume: Every<Volume> = {
  awsElasticBlockStore: 0,
  azureDisk: 0,
  azureFile: 0,
  cephfs: 0,
  cinder: 0,
  configMap: 0,
  csi: 0,
  downwardAPI: 0,
  emptyDir: 0,
  ephemeral: 0,
  fc: 0,
  flexVolume: 0,
  flocker: 0,
  gcePersistentDisk: 0,
  gitRepo: 0,
  glusterfs: 0,
  hostPath: 0,
  iscsi: 0,
  name: 0,
  nfs: 0,
  persistentVolumeClaim: 0,
  photonPersistentDisk: 0,
  portworxVolume: 0,
  projected: 0,
  quobyte: 0,
  rbd: 0,
  scaleIO: 0,
  secret: 0,
  storageos: 0,
  vsphereVolume: 0,
};
const volumeMount: Every<VolumeMount> = {
  mountPath: 0,
  mountPropagation: 0,
  name: 0,
  readOnly: 0,
  recursiveReadOnly: 0,
  subPath: 0,
  subPathExpr: 0,
};

const places: readonly (readonly [path: string, fields: object])[] = [
  ["spec", podSpec],
  ["spec.containers[]", container],
  ["spec.containers[].ports[]", containerPort],
  ["spec.containers[].env[]", envVar],
  ["spec.containers[].livenessProbe.httpGet", httpGet],
  ["spec.securityContext", podSecurityContext],
  ["spec.containers[].livenessProbe", probe],
  ["spec.containers[].readinessProbe", probe],
  ["spec.containers[].securityContext", securityContext],
  ["spec.tolerations[]", toleration],
  ["spec.volumes[]", volume],
  ["spec.containers[].volumeMounts[]", volumeMount],
];

test("every field that Kubernetes knows has a row: none is dropped as unknown", () => {
  const rows = new Set(podRules.map(({ path }) => path.replace(/\[\]$/, "")));
  for (const [path, fields] of places) {
    const lacking = Object.keys(fields).filter((name) => !rows.has(`${path}.${name}`));
    assert.deepEqual(lacking, [], path);
  }
});
