import assert from "node:assert/strict";
import { after, before } from "node:test";
import { testImages } from "../../../scripts/test-images.ts";
import type { ContainerSpec } from "../../../src/core/pod/spec.ts";
import type { CreateRequest, ImageInfo } from "../../../src/ports/engine.ts";
import { acceptedPod, createRequest, podOfTwo, sandboxRequest } from "../engine-requests.ts";
import { eventually, generous, valued } from "../engine-results.ts";
import { type Machine, program } from "./machines.ts";

/** An engine under test, and what the tests of the contract do on it again and again. */
export type Bench = ReturnType<typeof engineBench>;

/** Opens the machine before the tests of the suite that calls this, and removes all that they made after them. */
export function engineBench(open: () => Machine | Promise<Machine>) {
  let opened: Machine | undefined;
  let made = 0;
  const requests: string[] = [];
  const machine = (): Machine => opened ?? assert.fail("The suite has not begun");
  before(async () => {
    opened = await open();
  });
  after(async () => {
    for (const id of requests) {
      await machine().engine.stop(id, 0, generous());
      await machine().engine.remove(id, generous());
    }
    await machine().close();
  });

  const image = async (name: string): Promise<ImageInfo> => valued(await machine().engine.image(name, generous()));
  const nextName = (): string => {
    made += 1;
    return `pod-${process.pid}-${made}`;
  };
  const request = async (container: Partial<ContainerSpec>, imageName: string = testImages.busybox) => {
    return createRequest(acceptedPod(nextName(), container), await image(imageName));
  };
  const create = async (wanted: CreateRequest): Promise<string> => {
    const { id } = valued(await machine().engine.create(wanted, generous()));
    requests.push(id);
    return id;
  };
  /** Sandbox and two containers of a pod, made; the sandbox runs. */
  const podOf = async (container: Partial<ContainerSpec> = {}) => {
    const pod = podOfTwo(nextName(), { ...program("forever"), ...container });
    const own = valued(await machine().engine.ensureSandboxImage(generous()));
    const sandbox = await create(sandboxRequest(pod, own));
    valued(await machine().engine.start(sandbox, generous()));
    const part = async (name: string, attempt = 0) =>
      createRequest(pod, await image(testImages.busybox), { container: name, sandboxId: sandbox, attempt });
    return { pod, sandbox, part };
  };
  const started = async (container: Partial<ContainerSpec>): Promise<string> => {
    const id = await create(await request(container));
    valued(await machine().engine.start(id, generous()));
    return id;
  };
  const stateOf = async (id: string) => valued(await machine().engine.inspect(id, generous())).state;
  const listedState = async (id: string) => {
    const list = valued(await machine().engine.list(generous()));
    return list.find((each) => each.id === id)?.state;
  };
  const exited = (id: string) =>
    eventually(async () => {
      const state = await stateOf(id);
      return state.kind === "exited" ? state : null;
    });

  return {
    get machine() {
      return machine();
    },
    get engine() {
      return machine().engine;
    },
    nextName,
    image,
    request,
    create,
    podOf,
    started,
    stateOf,
    listedState,
    exited,
  };
}
