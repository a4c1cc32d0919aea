import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Certificates, makeCertificates } from "../../scripts/certificates.ts";
import { type PrivateEngine, startPrivateEngine } from "../../scripts/private-engine.ts";
import { signalAll } from "../../scripts/processes.ts";
import { loadTestImages, testImages } from "../../scripts/test-images.ts";
import { startTestRegistry, type TestRegistry } from "../../scripts/test-registry.ts";
import { podUpdate, registrySecret, secretUpdate } from "../samples/messages.ts";
import { createSite, type Entry, type Site } from "./harness.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const credentials = { username: "edge", password: "s3cret-of-the-registry" };
/** Of TEST-NET-2, on the loopback device of the engine's network: on 127.0.0.1 an engine asks for no certificate. */
const address = "198.51.100.7";
const port = 5443;
/** Where an engine looks for the authority of a registry, at every pull. */
const authorities = `/etc/docker/certs.d/${address}:${port}`;
const id = (number: number): string => `36363636-0000-4000-8000-${String(number).padStart(12, "0")}`;

interface Place {
  readonly engine: PrivateEngine;
  readonly site: Site;
  readonly registry: TestRegistry;
  readonly certificates: Certificates;
  readonly images: readonly string[];
}

async function start(): Promise<Place> {
  const engine = await startPrivateEngine(() => undefined, { diskMiB: 128 });
  try {
    const [program, ...args] = engine.command("ip", "address", "add", `${address}/32`, "dev", "lo");
    assert.equal(spawnSync(program, args).status, 0);
    await loadTestImages(engine.socket);
    const certificates = makeCertificates();
    const tls = certificates.issue({ name: "registry", altNames: `IP:${address}` });
    trust(certificates);
    const registry = await startTestRegistry(engine, { port, address, credentials, tls });
    const images: string[] = [];
    for (const version of ["1.0", "2.0", "3.0"]) {
      images.push(await registry.push(testImages.busybox, `library/private:${version}`));
    }
    const site = createSite(engine);
    await site.startCenter();
    await site.startAgent();
    await site.online();
    return { engine, site, registry, certificates, images };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function trust({ ca }: Certificates): void {
  mkdirSync(authorities, { recursive: true });
  writeFileSync(join(authorities, "ca.crt"), ca);
}

describe("a registry with TLS and a password", { skip }, () => {
  let place: Place | undefined;
  const here = (): Place => place ?? assert.fail("Nothing was started");
  before(async () => {
    place = await start();
  });
  after(async () => {
    rmSync(authorities, { recursive: true, force: true });
    place?.certificates.forget();
    await place?.registry.close();
    await place?.site.close();
    await place?.engine.close();
  });

  const accept = async (number: number, image: string | undefined): Promise<string> => {
    const container = { image, command: ["/bin/sleep", "1000"] };
    const spec = { imagePullSecrets: [{ name: registrySecret }] };
    const update = podUpdate({ name: `web-${number}`, uid: id(number), msgId: id(100 + number), spec, container });
    assert.equal((await here().site.ask(update)).content, "OK");
    return id(number);
  };
  const waits = (uid: string, words: RegExp): Promise<Entry> =>
    here().site.wasReported(uid, `waiting with ${words}`, ({ status }) =>
      words.test(JSON.stringify(status.containerStatuses[0]?.state.waiting ?? {})),
    );
  const runs = (uid: string): Promise<Entry> =>
    here().site.reported(uid, "Running", ({ status }) => status.phase === "Running");

  test("an unknown certificate authority is named, and the pod runs when the engine knows it", async () => {
    const { site, certificates, images } = here();
    rmSync(authorities, { recursive: true });
    const auths = { [`https://${address}:${port}`]: credentials };
    assert.equal((await site.ask(secretUpdate(id(1), { auths }))).content, "OK");
    const uid = await accept(1, images[0]);
    await waits(uid, /ErrImagePull.*x509/);
    trust(certificates);
    await runs(uid);
  });

  test("a pull from a silent registry is aborted and retried", async () => {
    const { registry, images } = here();
    signalAll([registry.pid], "SIGSTOP");
    const uid = await accept(2, images[1]);
    await waits(uid, /ErrImagePull.*(?:timeout|deadline|Timeout)/);
    signalAll([registry.pid], "SIGCONT");
    await runs(uid);
    await runs(id(1));
  });

  test("a full disk delays a new pod with that reason, running pods continue, and the pod starts when there is room", async () => {
    const { engine, site, images } = here();
    const filler = join(engine.folder, "data", "filler");
    const { bavail, bsize } = statfsSync(join(engine.folder, "data"));
    const most = Math.floor(bavail * bsize * 0.95);
    assert.equal(spawnSync("fallocate", ["--length", String(most), filler]).status, 0);
    const pressed = async (): Promise<true | undefined> =>
      (await site.status()).document.node.conditions.some(
        ({ type, status }) => type === "DiskPressure" && status === "True",
      )
        ? true
        : undefined;
    await site.eventually("edge status tells the pressure", pressed);
    const uid = await accept(3, images[2]);
    await waits(uid, /DiskPressure/);
    await runs(id(1));
    rmSync(filler);
    await runs(uid);
  });

  test("a registry that is gone stops no running pod", async () => {
    const { registry, site } = here();
    signalAll([registry.pid], "SIGKILL");
    const uid = await accept(4, `${registry.host}/library/private:4.0`);
    await waits(uid, /ErrImagePull.*cannot be reached.*connection refused/);
    for (const one of [1, 2, 3]) await runs(id(one));
    assert.equal((await site.containers()).filter(({ State }) => State.Running).length, 3);
  });
});
