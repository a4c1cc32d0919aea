/** A command of kubectl or docker that is not here, and what to write in its place. */
interface Absent {
  readonly words: readonly string[];
  readonly instead: string;
}

const absent: readonly Absent[] = [
  { words: ["exec"], instead: "As root: docker exec -it ID COMMAND; edge pod NAME prints the ID of each container." },
  { words: ["create", "replace", "edit", "patch", "scale", "set"], instead: "Write edge apply -f FILE." },
  { words: ["version"], instead: "Write edge --version." },
  { words: ["ps", "list", "ls"], instead: "Write edge get pods, or edge status." },
  { words: ["top"], instead: "As root: docker stats shows what containers use." },
  { words: ["rollout"], instead: "edge restart NAME restarts a pod." },
  { words: ["reload"], instead: "As root: systemctl reload edge makes the agent read its policy again." },
];

const absentFromGet: readonly Absent[] = [
  { words: ["nodes", "node", "no"], instead: "edge status shows this device." },
  { words: ["events", "event", "ev"], instead: "Write edge events." },
  {
    words: ["all", "deployments", "daemonsets", "services", "namespaces", "configmaps", "secrets"],
    instead: "Write edge get pods: of these a device has only pods to show.",
  },
];

/**
 * What to write in place of a command that is not here; null for any other. Looked up before the commands are made, so that no
 * command starts later for it.
 * @param args as they were typed after `edge`
 */
export function absentCommand(args: readonly string[]): string | null {
  const [first = "", second = ""] = args.filter((arg, index) => !arg.startsWith("-") && args[index - 1] !== "--config");
  const [group, path, word] = first === "get" ? [absentFromGet, "edge get", second] : [absent, "edge", first];
  const found = group.find(({ words }) => words.includes(word));
  return found === undefined ? null : `There is no ${path} ${word}. ${found.instead}`;
}
