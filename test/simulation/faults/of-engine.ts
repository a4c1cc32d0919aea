import type { Center } from "../world/center.ts";
import { images, type World } from "../world/world.ts";
import type { Fault } from "./fault.ts";

const operations = [
  "list",
  "inspect",
  "create",
  "audit",
  "start",
  "stop",
  "remove",
  "image",
  "images",
  "removeImage",
  "ensureSandboxImage",
  "pull",
  "isAlive",
  "info",
] as const;

/** What happens to the engine, its disk and its images. */
export const ofEngine: Readonly<Record<string, Fault>> = {
  engineDown: {
    weight: 2,
    happen({ world, dice }) {
      const how = dice.below(2) === 0 ? "stop" : "crash";
      world.host.down(how);
      return `the engine goes down: ${how}`;
    },
  },
  engineUp: {
    weight: 8,
    happen({ world }) {
      world.host.up();
      world.host.thaw();
      world.host.hangContainerd(false);
      return "the engine is up";
    },
  },
  engineHangs: {
    weight: 2,
    happen({ world }) {
      world.host.freeze();
      return "the engine hangs";
    },
  },
  containerdHangs: {
    weight: 2,
    happen({ world }) {
      world.host.hangContainerd(true);
      return "containerd hangs: nothing is started, stopped or run in a container";
    },
  },
  callFails: {
    weight: 4,
    happen({ world, dice }) {
      const operation = dice.pick(operations);
      const fault = dice.pick(["hang", "loseAnswer", { kind: "failed", message: "no such luck" }] as const);
      const times = 1 + dice.below(2);
      world.host.fail(operation, fault, times);
      return `${operation} goes wrong ${times} times: ${JSON.stringify(fault)}`;
    },
  },
  engineSlow: {
    weight: 2,
    happen({ world, dice }) {
      const [most, pull] = [5 + dice.below(500), dice.below(2) === 0 ? 50 : dice.below(90_000)];
      world.host.latency(1, most, pull);
      return `calls take up to ${most} ms, a pull ${pull} ms`;
    },
  },
  eventsLost: {
    weight: 2,
    happen({ world, dice }) {
      const lost = dice.below(2) === 0;
      world.host.loseEvents(lost);
      return lost ? "events are lost" : "events arrive";
    },
  },
  eventsEnd: {
    weight: 1,
    happen({ world }) {
      world.host.breakEvents();
      return "the stream of events ends";
    },
  },
  diskFull: {
    weight: 2,
    happen({ world, center, dice }) {
      const withStore = dice.below(3) === 0;
      fillDisk(world, center, withStore ? "all" : "data");
      world.fillStore(withStore);
      return withStore ? "the disk is full" : "the engine's disk is full, and the store's nearly";
    },
  },
  diskFree: {
    weight: 3,
    happen({ world, center }) {
      fillDisk(world, center, "no");
      world.host.holdDead(false);
      return "there is room on the disk";
    },
  },
  deadHeld: {
    weight: 1,
    happen({ world }) {
      world.host.holdDead(true);
      return "dead containers cannot be removed";
    },
  },
  imageCleared: {
    weight: 3,
    happen({ world, dice }) {
      const image = dice.pick([images.first, images.second]);
      const on = dice.below(3) > 0;
      world.host.removeImage(image);
      world.host.network(on);
      world.imageCleared(image);
      return `${image} is cleared away, the registry is ${on ? "" : "not "}in reach`;
    },
  },
  engineWiped: {
    weight: 1,
    happen({ world }) {
      world.host.wipe();
      world.imageCleared();
      return "all containers and images are gone";
    },
  },
  finishedBeforeStarted: {
    weight: 1,
    happen({ world, dice }) {
      const ms = dice.below(2) * dice.below(500);
      world.host.clockLag(ms);
      return `times of ends are ${ms} ms too early`;
    },
  },
};

/** There is no room for the engine, and for the device too little to take on anything; room for both is room for the store. */
export function fillDisk({ host, device, fillStore }: World, center: Center, full: "no" | "data" | "all"): void {
  host.fillDisk(full);
  if (full === "no") fillStore(false);
  device.freeBytes(full === "no" ? 1024 ** 3 : 1024);
  center.mayRefuse("the disk is full", full !== "no");
}
