import type { AcceptedPod, Origin, PodId } from "../pod/spec.ts";
import type { FeatureGates } from "./feature-gates.ts";
import type { NodeFacts } from "./node-facts.ts";
import type { Policy } from "./policy.ts";

/** Everything a verdict depends on beside the message itself. */
export interface AdmissionContext {
  readonly policy: Policy;
  readonly node: NodeFacts;
  readonly featureGates: FeatureGates;
  /** Goes into `spec.nodeName`. */
  readonly nodeName: string;
  /**
   * Folders and sockets that no pod may see, whatever the policy says (decisions.md 27: each of them is a way to own the
   * device). {@link defaultProtectedPaths} if absent.
   */
  readonly protectedPaths?: readonly string[];
  /** Who asks; absent for the center. */
  readonly asker?: Asker;
}

export interface Asker {
  readonly origin: Origin;
  /** A pod of the center is touched, too. */
  readonly isForced: boolean;
  /** For a local pod that is created by this request: nobody has it yet. */
  readonly newUid?: string;
}

/** The agent's own folders, the default places of engines, and what gives a word in the host's services. */
export const defaultProtectedPaths: readonly string[] = [
  "/etc/edge",
  "/var/lib/edge",
  "/run/edge",
  "/var/run/docker.sock",
  "/run/docker.sock",
  "/run/docker",
  "/run/containerd",
  "/var/lib/docker",
  "/var/lib/containerd",
  ...["/run/systemd/private", "/run/dbus/system_bus_socket"],
  ...["/run/podman", "/run/crio", "/run/cri-dockerd.sock", "/run/buildkit", "/run/k3s", "/run/libvirt", "/run/incus"],
  ...["/var/lib/containers", "/var/lib/kubelet", "/var/lib/rancher", "/var/lib/libvirt"],
  ...["/var/lib/lxd", "/var/lib/incus", "/var/snap/docker", "/var/snap/lxd"],
];

/** What an accepted message asks for, one shape a kind. */
export type Admitted =
  | { readonly kind: "pod-update"; readonly pod: AcceptedPod }
  | {
      readonly kind: "graceful-delete";
      readonly id: PodId;
      readonly graceSeconds: number;
      /** RFC 3339, as it was sent. */
      readonly deletionTimestamp: string;
    }
  | {
      readonly kind: "pod-delete";
      readonly namespace: string;
      readonly name: string;
      readonly uid?: string /** Instead of the pod's own. */;
      readonly graceSeconds?: number;
    }
  | { readonly kind: "pod-restart"; readonly namespace: string; readonly name: string }
  | { readonly kind: "configmap-update"; readonly name: string; readonly data: Readonly<Record<string, string>> }
  | { readonly kind: "configmap-delete"; readonly name: string }
  /** `dockerConfigJson` is the decoded text: never to be logged. */
  | { readonly kind: "secret-update"; readonly name: string; readonly dockerConfigJson: string }
  | { readonly kind: "pods-data" }
  | { readonly kind: "container-info"; readonly content: unknown }
  | { readonly kind: "modelfiles"; readonly content: unknown }
  | { readonly kind: "npu-sharing"; readonly enabled: boolean };
