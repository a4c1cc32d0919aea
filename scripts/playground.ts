// `npm run playground`: a private engine, a center and an agent, and a shell in which `edge` works on them. All of it is
// gone when the shell ends.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { bundleModule } from "./bundle.ts";
import { debianPackages, install } from "./installer.ts";
import { engineNeeds } from "./packages.ts";
import { type Controls, serveControl } from "./playground-control.ts";
import { closeOnSignal, startTestEngine } from "./private-engine.ts";
import { isRunning, readText } from "./processes.ts";
import { createSite, killSite, type Site } from "./site.ts";
import { loadTestImages, testImages } from "./test-images.ts";

/** Where the web server of web.json answers, in the network of the engine and of the shell. */
const webPort = 18_088;
const resources = { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "100m", memory: "16Mi" } };

/** The sample pods, by file. Their image is on the engine already. `www` is the folder that the web server serves. */
function samplesOf(www: string): Readonly<Record<string, object>> {
  return {
    "hello.json": podOf("hello", "11111111-0000-4000-8000-000000000001", {}),
    "web.json": podOf(
      "web",
      "11111111-0000-4000-8000-000000000004",
      {
        command: ["httpd", "-f", "-p", "8080", "-h", "/www"],
        env: [{ name: "GREETING", value: "hello" }],
        ports: [{ containerPort: 8080, hostPort: webPort, protocol: "TCP", hostIP: "127.0.0.1" }],
        volumeMounts: [{ name: "www", mountPath: "/www", readOnly: true }],
      },
      [{ name: "www", hostPath: { path: www } }],
    ),
    "broken.json": podOf("broken", "11111111-0000-4000-8000-000000000002", { securityContext: { privileged: true } }),
    "crash.json": podOf("crash", "11111111-0000-4000-8000-000000000003", { command: ["ls", "/no/such/folder"] }),
  };
}

function podOf(name: string, uid: string, more: object, volumes: readonly object[] = []): object {
  const container = { name: "app", image: testImages.busybox, command: ["top", "-b", "-d", "5"], resources, ...more };
  return { metadata: { name, uid }, spec: { containers: [container], volumes } };
}

const welcome = `
An engine, a center and an agent of your own are running. Try:

  edge status
  send hello.json       # the center sends a pod, this prints the reply of the device
  edge pod hello

Other pods: web.json (port, variable, volume), broken.json (is rejected), crash.json (ends at once).
web.json serves the folder www here on port ${webPort}: busybox wget -qO- http://127.0.0.1:${webPort}
The center deletes and restarts: send --delete hello, send --restart hello. See also: edge events, edge --help.
Offline and back: center stop, center start. After a change of $EDGE_CONFIG: agent reload (policy, log), agent restart (all).
Where a text says systemctl start, stop, restart or reload edge, type agent in place of systemctl, without edge: agent start.
A pod of your own: copy hello.json, change its name and uid, then send FILE, or edge apply -f FILE without the center. docs/supported.md explains it.
The engine has the image ${testImages.busybox} and no network: images of a registry stay in ImagePullBackOff.
docker works on this engine, if the docker command is installed. The configuration is $EDGE_CONFIG.
Leave with exit.
`;

/** What `center` and `agent` of the shell do, each with the sentence that they print. */
function controlsOf(site: Site, port: number): Controls {
  const restart = async (): Promise<string> => {
    await site.end("agent", "SIGTERM");
    site.restartAgent();
    const pid = site.pid("agent");
    const status = async (): Promise<string> => (await site.run("--config", site.place.config, "--json", "status")).out;
    await site.until(async () => !isRunning(pid) || (await status()).includes(`"pid":${pid},`), "the agent");
    if (isRunning(pid)) return "The agent runs again. Pods kept running: edge status";
    return `The agent has ended. Its last words:\n${lastLines(site.place.agent)}`;
  };
  return {
    "center stop": async () => {
      await site.end("center", "SIGTERM");
      return "The center is stopped. Pods keep running: edge status";
    },
    "center start": async () => {
      await site.end("center", "SIGTERM");
      await site.startCenter(port);
      return "The center runs. The agent connects within seconds: edge status";
    },
    "agent reload": async () => {
      const pid = site.pid("agent");
      if (pid === 0 || !isRunning(pid)) return "The agent does not run: agent start";
      process.kill(pid, "SIGHUP");
      return "The agent reads its configuration again: edge events";
    },
    "agent stop": async () => {
      await site.end("agent", "SIGTERM");
      return "The agent is stopped. Pods keep running: edge status";
    },
    "agent start": restart,
    "agent restart": restart,
  };
}

function lastLines(file: string): string {
  return (readText(file) ?? "").trimEnd().split("\n").slice(-3).join("\n");
}

/** The folder of the shell: sample pods, and `edge` and `send` for its PATH. @returns both folders */
function prepare(site: Site, folder: string): { readonly home: string; readonly bin: string } {
  const [home, bin] = [join(folder, "playground"), join(folder, "bin")];
  const www = wwwOf(folder);
  for (const path of [home, bin, www]) mkdirSync(path);
  writeFileSync(join(www, "index.html"), "Hello from the pod web\n");
  for (const [name, pod] of Object.entries(samplesOf(www)))
    writeFileSync(join(home, name), `${JSON.stringify(pod, null, 2)}\n`);
  const script = (name: string, line: string): void =>
    writeFileSync(join(bin, name), `#!/bin/sh\nexec "${process.execPath}" ${line} "$@"\n`, { mode: 0o755 });
  script("edge", `"${site.program}" --config "${site.place.config}"`);
  script("send", `"${resolve("scripts/send-pod.ts")}" "${site.place.control}"`);
  for (const role of ["center", "agent"])
    script(role, `"${resolve("scripts/ask-playground.ts")}" "${controlOf(folder)}" ${role}`);
  return { home, bin };
}

const wwwOf = (folder: string): string => join(folder, "playground", "www");
const controlOf = (folder: string): string => join(folder, "playground.sock");

console.log("The playground takes about 10 s to start after what it installs");
install([debianPackages(engineNeeds())], console.log);
const engine = await startTestEngine(console.log);
// Beside the engine and not in dist: what is there may be tested at this moment.
const bundle = join(engine.folder, "playground.mjs");
await bundleModule(bundle);
const site = createSite(engine, { bundle, hostPaths: [wwwOf(engine.folder)] });
const close = async (): Promise<void> => {
  killSite(site);
  await site.close();
  await engine.close();
};
closeOnSignal(close);
try {
  await loadTestImages(engine.socket);
  const port = await site.startCenter(0);
  site.startAgent(port);
  const isUp = async (): Promise<boolean> => {
    const { code, out } = await site.run("status", "--config", site.place.config);
    return code === 0 && /^Center +online/m.test(out);
  };
  await site.until(isUp, "edge status");
  const { home, bin } = prepare(site, engine.folder);
  const control = await serveControl(controlOf(engine.folder), controlsOf(site, port));
  console.log(welcome);
  const shell = process.env["SHELL"] ?? "/bin/sh";
  // Its own files would set another prompt.
  const [program, ...args] = engine.command(shell, ...(shell.endsWith("/bash") ? ["--norc"] : []));
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env["PATH"]}`,
    PS1: "playground$ ",
    DOCKER_HOST: `unix://${engine.socket}`,
    EDGE_CONFIG: site.place.config,
  };
  await once(spawn(program, args, { cwd: home, env, stdio: "inherit" }), "exit");
  control.close();
} finally {
  await close();
  console.log("The playground was removed");
}
