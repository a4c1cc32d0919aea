/** What differs from run to run is named; of a cause that is cut at 80 columns its beginning. */
export function steady(line: string, folder: string): string {
  const named = line
    .replace(/ {2,}\d+[smh]\S*$/, "  AGE")
    .replaceAll(folder, "FOLDER")
    .replace(/(FOLDER\S+) .*/, "$1")
    .replace(/127\.0\.0\.1:\d+/, "REGISTRY")
    .replace(/\b(?:amd64|arm64)\b/g, "ARCH");
  return line.startsWith("  ") ? named.replace(/…?, next try .*/, "").slice(0, 40) : named.replace(/ {2,}/g, "  ");
}

/** `edge status` of the pods of pod-states.test.ts whose state lasts: problems first, each with its cause. */
export const statesScreen: readonly string[] = [
  "failed  0/1  Error  0  AGE",
  "  exit code 3",
  "foreign  0/1  CreateContainerError  0  AGE",
  "  The image is for ARCH, this device is ",
  "no-hostpath  0/1  CreateContainerConfigError  0  AGE",
  "  hostPath FOLDER/missing",
  "no-program  0/1  ContainerCannotRun  0  AGE",
  "  ContainerCannotRun, exit code 127: fai",
  "no-registry  0/1  ImagePullBackOff  0  AGE",
  "  Registry REGISTRY cannot be reached: G",
  "oom  0/1  OOMKilled  0  AGE",
  "  OOMKilled (limit 16Mi)",
  "root-image  0/1  CreateContainerConfigError  0  AGE",
  "  container has runAsNonRoot and image w",
  "done-never  0/1  Completed  0  AGE",
  "done-onfailure  0/1  Completed  0  AGE",
  "running  1/1  Running  0  AGE",
];
