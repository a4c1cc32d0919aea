import type { Command } from "commander";
import type { CommandAdder } from "./command-adder.ts";

interface InstallFlags {
  readonly root: string;
  readonly center?: string;
  readonly pod?: readonly string[];
  readonly image?: readonly string[];
  readonly dryRun?: true;
}

/** Adds the commands that put the agent on a device or into an image, and remove it. */
export function addInstallCommands({ command, named, io, done }: CommandAdder, program: Command): void {
  command(
    "install",
    "install the agent as a service on this device or in an image",
    "It adds the program, its manual page and completions, folders, a group, a systemd unit, a first configuration, factory pods and images. It skips finished steps and never overwrites a configuration.",
  )
    .option("--root <DIR>", "the folder of an image instead of this device", "/")
    .option("--center <URL>", "address of the center, if there is no configuration yet")
    .option("--pod <FILE...>", "factory pods, which run without a center: one Pod a file, JSON or YAML")
    .option("--image <FILE...>", "archives of images (docker save), which the agent loads instead of pulling")
    .option("--dry-run", "print the steps and change nothing")
    .action(async (options: InstallFlags) => {
      const { installCommand } = await import("./install.ts");
      const { pod: pods = [], image: images = [] } = options;
      const asked = { ...named(), ...options, pods, images, dryRun: options.dryRun === true };
      done(await installCommand(asked, program, io));
    });
  command("uninstall", "remove the service and the program", "Pods, data and configuration stay without --purge.")
    .option("--root <DIR>", "the folder of an image instead of this device", "/")
    .option("--purge", "remove pods, data, configuration, factory pods and images, too")
    .option("--dry-run", "print the steps and change nothing")
    .action(async (options: { readonly root: string; readonly purge?: true; readonly dryRun?: true }) => {
      done(
        await (await import("./uninstall.ts")).uninstallCommand(
          { ...named(), ...options, dryRun: options.dryRun === true, purge: options.purge === true },
          io,
        ),
      );
    });
}
