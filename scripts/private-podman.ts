import { spawn } from "node:child_process";
import { openSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** As for an engine on a machine without CAP_SYS_RESOURCE: podman would raise limits that the machine does not let it raise. */
const config = (folder: string): string => `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
[engine]
events_logger = "file"
cgroup_manager = "cgroupfs"
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "${folder}/networks"
`;

/** Docker asks for no certificate on a loopback address; podman has to be told, by port. */
const insecurePorts = [15_018, 15_019, 15_043];

/** Starts podman's service behind the socket of a private engine's folder; its containers live on when it ends. */
export function spawnPodman(
  folder: string,
  command: (...command: readonly string[]) => readonly [string, ...string[]],
) {
  const file = join(folder, "containers.conf");
  writeFileSync(file, config(folder));
  const registries = join(folder, "registries.conf");
  const insecure = insecurePorts.map((port) => `[[registry]]\nlocation = "127.0.0.1:${port}"\ninsecure = true\n`);
  writeFileSync(registries, insecure.join(""));
  const [program, ...args] = command(
    "podman",
    ...["--root", join(folder, "data"), "--runroot", join(folder, "exec"), "--tmpdir", join(folder, "tmp")],
    ...["system", "service", "--time=0", `unix://${join(folder, "docker.sock")}`],
  );
  const log = openSync(join(folder, "docker.log"), "a");
  const env = { ...process.env, CONTAINERS_CONF: file, CONTAINERS_REGISTRIES_CONF: registries };
  const engine = spawn(program, args, { cwd: folder, detached: true, stdio: ["ignore", log, log], env });
  writeFileSync(join(folder, "docker.pid"), String(engine.pid));
  return engine;
}
