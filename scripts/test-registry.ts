import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import Docker from "dockerode";
import { requirePackages } from "./packages.ts";
import type { TestEngine } from "./private-engine.ts";
import { isRunning, readText, signalAll, waitUntil } from "./processes.ts";

/** Name and password for a registry. */
export type Credentials = { readonly username: string; readonly password: string };

/** A registry on the loopback address of an engine's network; the engine needs no settings to pull from it. */
export type TestRegistry = {
  /** What image names begin with, as `127.0.0.1:5000`. The engine asks for no certificate on a loopback address. */
  readonly host: string;
  readonly pid: number;
  /** Puts an image that the engine has into the registry and returns the name to pull. */
  readonly push: (image: string, name: string) => Promise<string>;
  readonly close: () => Promise<void>;
};

export type RegistryOptions = {
  readonly port: number;
  readonly credentials?: Credentials;
  /** Another address of the engine's network. */
  readonly address?: string;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
};

/** Starts a registry in an engine's network; with credentials it refuses everybody else. */
export async function startTestRegistry(engine: TestEngine, options: RegistryOptions): Promise<TestRegistry> {
  requirePackages("registry");
  const folder = mkdtempSync(join(engine.folder, "registry-"));
  const host = `${options.address ?? "127.0.0.1"}:${options.port}`;
  const config = join(folder, "config.json");
  writeFileSync(config, JSON.stringify(registryConfig(folder, host, options)));
  const log = openSync(join(folder, "log"), "a");
  const [program, ...args] = engine.command("docker-registry", "serve", config);
  const registry = spawn(program, args, { stdio: ["ignore", log, log] });
  registry.unref();
  const pid = registry.pid;
  if (pid === undefined) throw new Error("Cannot start docker-registry");
  const close = async (): Promise<void> => {
    signalAll([pid], "SIGKILL");
    await waitUntil(() => !isRunning(pid), 5_000);
    rmSync(folder, { recursive: true, force: true });
  };
  if (!(await waitUntil(() => (readText(join(folder, "log")) ?? "").includes("listening on"), 20_000))) {
    const text = readText(join(folder, "log"));
    await close();
    throw new Error(`The registry did not start:\n${text}`);
  }
  const push = (image: string, name: string): Promise<string> =>
    pushImage(new Docker({ socketPath: engine.socket }), image, `${host}/${name}`, options.credentials);
  return { host, pid, push, close };
}

function registryConfig(folder: string, host: string, { credentials, tls }: RegistryOptions): object {
  const files = { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  if (tls !== undefined) writeFileSync(files.certificate, tls.cert);
  if (tls !== undefined) writeFileSync(files.key, tls.key, { mode: 0o600 });
  const config = {
    version: "0.1",
    log: { formatter: "text" },
    storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
    http: { addr: host, ...(tls === undefined ? {} : { tls: files }) },
  };
  if (credentials === undefined) return config;
  const file = join(folder, "htpasswd");
  const hashed = spawnSync("htpasswd", ["-Bbn", credentials.username, credentials.password], { encoding: "utf8" });
  writeFileSync(file, hashed.stdout);
  return { ...config, auth: { htpasswd: { realm: "edge", path: file } } };
}

async function pushImage(docker: Docker, image: string, name: string, credentials?: Credentials): Promise<string> {
  const tag = name.slice(name.lastIndexOf(":") + 1);
  await docker.getImage(image).tag({ repo: name.slice(0, name.lastIndexOf(":")), tag });
  const target = docker.getImage(name);
  const authconfig = { ...(credentials ?? { username: "", password: "" }), serveraddress: name.split("/")[0] ?? "" };
  const answer = (await buffer(await target.push({ authconfig }))).toString();
  if (answer.includes('"error"')) throw new Error(`Cannot push ${name}: ${answer}`);
  await target.remove({ noprune: true });
  return name;
}
