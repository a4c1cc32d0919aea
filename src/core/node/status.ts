// core/node: the device as a Kubernetes node: conditions, pressure, safe mode.

import type { Node, NodeAddress, NodeCondition, NodeStatus, NodeSystemInfo } from "kubernetes-types/core/v1.js";
import { isNpu } from "../pod/npu.ts";
import { formatBinary } from "../pod/quantity.ts";
import type { ResourceList } from "../pod/spec.ts";
import { formatTime } from "../pod/time.ts";
import type { Condition } from "./conditions.ts";

/** What a device is, as far as it does not change while it runs. */
export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** PRETTY_NAME of /etc/os-release. */
  readonly osImage: string;
  readonly kernelVersion: string;
  /** GOARCH: "amd64", "arm64". */
  readonly architecture: string;
}

export interface NodeState {
  /** As the center calls it. */
  readonly name: string;
  readonly machine: Machine;
  /** What pods may use; an NPU stands here under its own name. */
  readonly allocatable: ResourceList;
  /** A pod has at least one container: more pods than containers there cannot be. */
  readonly maxContainerNumber: number;
  /** The address toward the center. */
  readonly hostIp: string;
  readonly conditions: readonly Condition[];
  /** "20.10.24"; null while the engine does not answer. */
  readonly engineVersion: string | null;
  /** Of this program. */
  readonly version: string;
  readonly bootId: string;
}

/** The `Status` of a nodestatus message: protocol.md §1.3, nodestatus-0019. */
export interface NodeReport {
  readonly addresses: NodeAddress[];
  readonly allocatable: ResourceList;
  readonly capacity: ResourceList;
  readonly content: Node;
}

/** What centers look for where a device has no NPU (protocol.md §1.3). */
const absentNpu = "huawei.com/davinci-mini";

/**
 * The device as Kubernetes' Node. Resources are reduced to cpu, memory, pods and one NPU, as centers know them.
 * @param nowWall when it is sent: the heartbeat of every condition
 */
export function nodeReport(facts: NodeState, nowWall: number): NodeReport {
  const { machine, hostIp, name } = facts;
  const npu = Object.entries(facts.allocatable).find(([key]) => isNpu(key)) ?? [absentNpu, "0"];
  const common = { pods: String(facts.maxContainerNumber), [npu[0]]: npu[1] };
  const capacity = { cpu: String(machine.cpus), memory: formatBinary(BigInt(machine.memoryBytes)), ...common };
  const { cpu = "0", memory = "0" } = facts.allocatable;
  const allocatable = { cpu, memory, ...common };
  const addresses = [
    ...(hostIp === "" ? [] : [{ type: "InternalIP", address: hostIp }]),
    { type: "Hostname", address: name },
  ];
  const conditions = facts.conditions.map((condition) => nodeCondition(condition, nowWall));
  const status: NodeStatus = { addresses, allocatable, capacity, conditions, nodeInfo: nodeInfo(facts) };
  const labels = { "kubernetes.io/arch": machine.architecture, "kubernetes.io/os": "linux" };
  const content: Node = { apiVersion: "v1", kind: "Node", metadata: { name, labels }, status };
  return { addresses, allocatable, capacity, content };
}

/** Whether two reports say the same but for their heartbeats. */
export function sameReport(a: NodeReport, b: NodeReport): boolean {
  return JSON.stringify(withoutHeartbeat(a)) === JSON.stringify(withoutHeartbeat(b));
}

function withoutHeartbeat({ content, ...rest }: NodeReport): object {
  const conditions = content.status?.conditions?.map(({ lastHeartbeatTime: _, ...one }) => one);
  return { ...rest, content: { ...content, status: { ...content.status, conditions } } };
}

function nodeCondition({ since, ...rest }: Condition, nowWall: number): NodeCondition {
  return { ...rest, lastHeartbeatTime: formatTime(nowWall), lastTransitionTime: formatTime(since) };
}

function nodeInfo({ machine, engineVersion, version, bootId }: NodeState): NodeSystemInfo {
  const { architecture, kernelVersion, osImage } = machine;
  return {
    architecture,
    kernelVersion,
    osImage,
    operatingSystem: "linux",
    bootID: bootId,
    containerRuntimeVersion: engineVersion === null ? "docker" : `docker://${engineVersion}`,
    kubeletVersion: version,
    // What identifies the box beyond its name is nobody's business but its owner's (machine-id(5)).
    machineID: "",
    systemUUID: "",
    kubeProxyVersion: "",
  };
}
