/** What is known of a problem: its STATUS or reason word, the sentence that explains it, and how its output is read. */
export interface Problem {
  readonly word: string;
  readonly text: string;
  /** The command that prints what the container has printed. */
  readonly logs: string;
}

interface Step {
  /** STATUS or reason words; any where absent. */
  readonly words?: readonly string[];
  /** What the sentence must say; anything where absent. */
  readonly text?: RegExp;
  readonly step: (problem: Problem) => string;
}

/** The first that fits counts (docs/troubleshooting.md has the same words). */
const steps: readonly Step[] = [
  {
    words: ["OOMKilled"],
    step: ({ logs }) => `Raise resources.limits.memory in the pod, or see what it does: ${logs}`,
  },
  {
    text: /^liveness probe failed/,
    step: ({ logs }) =>
      `See why it does not answer: ${logs}. If it is only slow, raise the probe's timeout or threshold`,
  },
  {
    text: /^readiness failing/,
    step: ({ logs }) => `See why it does not answer: ${logs}. If the probe is wrong, correct its path, port or command`,
  },
  {
    text: /already used by|address already in use|port is already allocated/i,
    step: () => "Stop that process, or choose another hostPort in the pod",
  },
  {
    text: /rejected the user name or password/,
    step: () => "Correct the user name and password in the secret and send it again",
  },
  { text: /rejected the request for/, step: () => "Send a secret for this registry, and name it in imagePullSecrets" },
  { text: /^registry .{1,300} has no image/i, step: () => "Correct the image's name or tag, or push the image" },
  {
    text: /^registry .{1,300} (?:cannot be reached|stopped sending)/i,
    step: () => "Check the registry's name, this device's DNS and its network; the agent goes on trying",
  },
  {
    text: /^registry .{1,300} was asked too often/i,
    step: () => "Wait for the next try, or send a secret with an account that may ask more often",
  },
  {
    text: /not for this device's architecture|, this device is \w{1,20}$/,
    step: () => "Push an image for this architecture",
  },
  { text: /no space left|disk is full/i, step: () => "Free space on this device: df -h shows which disk is full" },
  {
    text: /does not exist on this device/,
    step: () => "Create the folder on this device, or correct the path in the pod",
  },
  { text: /^configmap ".{1,300}" not found/, step: () => "Send the config map, or correct its name in the pod" },
  {
    text: /container has runAsNonRoot|breaks non-root policy/,
    step: () => "Set runAsUser and runAsGroup in the pod to numbers other than 0",
  },
  { text: /^The image's configuration/, step: () => "Build the image with fewer labels, variables and volumes" },
  {
    text: /^The container could not be located/,
    step: () => "See who deleted the container (journalctl -u docker); send the pod again to start it now",
  },
  {
    text: /^exit code 0,/,
    step: ({ logs }) => `If it is a job, set restartPolicy to OnFailure in the pod; else see what it printed: ${logs}`,
  },
  {
    words: ["MountsDiffer"],
    step: () => "Run the engine in the host's mount namespace, without PrivateMounts in its unit",
  },
  {
    words: ["GroupsDiffer"],
    step: () => "Set runAsGroup in the pod to a number that is not the name of a group in the image",
  },
  {
    words: ["ErrImagePull", "ImagePullBackOff"],
    step: () => "Correct what the message names; the agent goes on trying",
  },
  { words: ["InvalidImageName"], step: () => "Correct the image's name in the pod" },
  {
    words: ["ContainerCannotRun"],
    step: () => "Correct command and args in the pod: the program must be in the image, for this architecture",
  },
  { words: ["ContainerPaused"], step: () => "Run docker unpause if the pause was not intended" },
  {
    words: ["ContainerStatusUnknown"],
    step: () => "If this lasts, let its containerd-shim go on (kill -CONT), or restart the engine",
  },
  { words: ["SafeMode"], step: () => "Send the pod again to release it now; see edge events for what ended the agent" },
  { words: ["InternalError"], step: () => "Report the bug with the agent's log: journalctl -u edge" },
  { words: ["MemoryPressure"], step: () => "Delete pods or stop other programs: the pod starts when memory is free" },
  { words: ["DiskPressure"], step: () => "Free space on this device: the pod starts when there is enough" },
  { words: ["PIDPressure"], step: () => "Stop programs with many processes: the pod starts when there are enough ids" },
  {
    words: ["ImageInspectError", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"],
    step: () => "Correct what the message names; the agent goes on trying",
  },
  { words: ["CrashLoopBackOff", "Error"], step: ({ logs }) => `See what it printed before it ended: ${logs}` },
];

/** What to do about it, as a sentence; null where nothing is to be done. */
export function nextStep(problem: Problem): string | null {
  const found = steps.find(
    ({ words, text }) => (words?.includes(problem.word) ?? true) && (text?.test(problem.text) ?? true),
  );
  return found?.step(problem) ?? null;
}
