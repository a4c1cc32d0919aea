import { readdirSync } from "node:fs";
import { join } from "node:path";

/** What engines without root make in a user's runtime folder. */
const names: readonly string[] = ["docker.sock", "docker", "podman", "containerd", "containerd-rootless", "buildkit"];

/** Sockets and folders of the engines that users of this device run for themselves, whether or not they are there. */
export function userEnginePaths(folder = "/run/user"): readonly string[] {
  let users: readonly string[];
  try {
    users = readdirSync(folder);
  } catch {
    return [];
  }
  return users.flatMap((user) => names.map((name) => join(folder, user, name)));
}
