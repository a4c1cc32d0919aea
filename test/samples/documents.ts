/**
 * The examples of the two documents that are this project's law, word for word. Of the pod update only the two marks of
 * a delete are left out.
 */

/** "Pod Update": content of its example message. */
export const podUpdateExample = {
  metadata: {
    creationTimestamp: "2022-05-10T07:44:54Z",
    name: "root-test-6bf30364-3c62-493d-b3c1-848012fb8731",
    namespace: "websocket",
    resourceVersion: "0868647",
    uid: "6bf30364-3c62-493d-b3c1-848012fb8731",
  },
  spec: {
    Volumes: [
      { hostPath: { path: "/home/mmc/data/", type: "" }, name: "11" },
      { emptyDir: { medium: "Memory" }, name: "22" },
      { configMap: { defaultMode: 420, name: "configmap" }, name: "44" },
    ],
    containers: [
      {
        env: [{ name: "ABCD", value: "5000" }],
        image: "xxxxxx/library/root-test:2.0",
        imagePullPolicy: "IfNotPresent",
        livenessProbe: {
          exec: { command: ["/bin/echo"] },
          failureThreshold: 3,
          initialDelaySeconds: 20,
          periodSeconds: 30,
          successThreshold: 1,
          timeoutSeconds: 10,
        },
        readinessProbe: {
          failureThreshold: 3,
          httpGet: { Host: "127.0.xx.xx", Path: "/tmp/test", Port: 10000, Scheme: "http" },
          initialDelaySeconds: 20,
          periodSeconds: 30,
          successThreshold: 1,
          timeoutSeconds: 10,
        },
        name: "container-0",
        ports: [
          { containerPort: 33, hostPort: 3000, protocol: "TCP", hostIP: "127.0.xx.xx" },
          { containerPort: 44, hostPort: 4000, protocol: "TCP", hostIP: "127.0.xx.xx" },
        ],
        resources: { limits: { cpu: "1", memory: "512Mi" }, requests: { cpu: "0.25", memory: "512Mi" } },
        securityContext: {
          capabilities: { add: ["SETPCAP", "MKNOD"] },
          privileged: false,
          runAsGroup: 1024,
          runAsUser: 1024,
        },
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
        volumeMounts: [
          { mountPath: "/etc/localtime", name: "localtime", readOnly: true },
          { mountPath: "/home/mmc/data/", name: "11", readOnly: false },
          { mountPath: "/tmp1", name: "22", readOnly: true },
          { mountPath: "/tmp3", name: "44", readOnly: true },
        ],
      },
    ],
    dnsPolicy: "ClusterFirst",
    hostNetwork: false,
    imagePullSecrets: [{ name: "fusion-director-docker-registry-secret" }],
    restartPolicy: "Always",
    schedulerName: "default-scheduler",
    securityContext: {},
    serviceAccount: "default",
    serviceAccountName: "default",
    terminationGracePeriodSeconds: 30,
    tolerations: [
      { effect: "NoExecute", key: "node.kubernetes.io/unreachable", operator: "Exists" },
      { effect: "NoExecute", key: "node.kubernetes.io/not-ready", operator: "Exists" },
      { effect: "NoExecute", key: "node.kubernetes.io/network-unavailable", operator: "Exists" },
    ],
  },
};

/** "Reporting the Pod Status": its example message. */
export const podStatusExample = {
  header: {
    id: "",
    msg_id: "ea4af67a-cdec-4926-aa1d-7e78fdc5e55b",
    parentId: "",
    parent_msg_id: "",
    isSync: false,
    sync: false,
    timestamp: 1706282575923,
    version: "",
    resourceversion: "",
    nodeId: "",
    peerInfo: {},
  },
  router: { source: "", destination: "", option: "", resource: "" },
  route: { source: "metaManager", group: "resource", resource: "websocket/podstatus", operation: "update" },
  content: [
    {
      Name: "test-06dbfd14-092d-42ef-8238-c674a8b59cac",
      UID: "06dbfd14-092d-42ef-8238-c674a8b59cac",
      kind: "Pod",
      metadata: {
        creationTimestamp: "2023-05-06T07:36:26Z",
        name: "test-06dbfd14-092d-42ef-8238-c674a8b59cac",
        namespace: "websocket",
        resourceVersion: "7305070",
        uid: "06dbfd14-092d-42ef-8238-c674a8b59cac",
      },
      spec: {
        containers: [
          {
            image: "fd.fusiondirector.huawei.com:443/library/test:1.0",
            imagePullPolicy: "IfNotPresent",
            name: "container-0",
            ports: [{ containerPort: 9090, hostIP: "127.0.xx.xx", hostPort: 9091, protocol: "TCP" }],
            resources: { limits: { cpu: "1", memory: "512Mi" }, requests: { cpu: "250m", memory: "512Mi" } },
            securityContext: {
              allowPrivilegeEscalation: false,
              capabilities: { drop: ["All"] },
              privileged: false,
              readOnlyRootFilesystem: true,
              runAsGroup: 1024,
              runAsNonRoot: true,
              runAsUser: 1024,
              seccompProfile: { type: "RuntimeDefault" },
            },
            terminationMessagePath: "/dev/termination-log",
            terminationMessagePolicy: "File",
          },
        ],
        dnsPolicy: "ClusterFirst",
        enableServiceLinks: true,
        imagePullSecrets: [{ name: "fusion-director-docker-registry-secret" }],
        nodeName: "2102312test000000001",
        restartPolicy: "Always",
        schedulerName: "default-scheduler",
        securityContext: {},
        serviceAccountName: "default",
        terminationGracePeriodSeconds: 30,
        tolerations: [
          { effect: "NoExecute", key: "node.kubernetes.io/unreachable", operator: "Exists" },
          { effect: "NoExecute", key: "node.kubernetes.io/not-ready", operator: "Exists" },
          { effect: "NoExecute", key: "node.kubernetes.io/network-unavailable", operator: "Exists" },
        ],
      },
      status: {
        conditions: [
          { lastProbeTime: null, lastTransitionTime: "2023-05-06T16:15:19Z", status: "True", type: "Initialized" },
          { lastProbeTime: null, lastTransitionTime: "2023-05-06T16:15:19Z", status: "True", type: "Ready" },
          { lastProbeTime: null, lastTransitionTime: "2023-05-06T16:15:19Z", status: "True", type: "ContainersReady" },
          { lastProbeTime: null, lastTransitionTime: "2023-05-06T16:15:19Z", status: "True", type: "PodScheduled" },
        ],
        containerStatuses: [
          {
            containerID: "docker://a890eda7fe9c5ec38e722522ec757a21a7f033d3159c23624ccaedeb4f7e03b1",
            image: "xxxxxx/library/test:1.0",
            imageID:
              "docker-pullable://xxxxxx/library/test@sha256:89623abc2022ccb56639cea075feccff4bb8cdea4bcafa18d92f0e76a915fb34",
            lastState: {},
            name: "container-0",
            ready: true,
            restartCount: 0,
            started: true,
            state: { running: { startedAt: "2023-05-06T15:36:48Z" } },
          },
        ],
        hostIP: "127.0.xx.xx",
        phase: "Running",
        podIP: "xx.xx.xx.xx",
        podIPs: [{ ip: "xx.xx.xx.xx" }],
        qosClass: "Burstable",
        startTime: "2023-05-06T16:15:19Z",
      },
    },
  ],
};
