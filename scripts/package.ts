// `npm run package`: Debian packages of the executables, dist/edge_VERSION_amd64.deb and dist/edge_VERSION_arm64.deb.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { completionScript } from "../src/cli/completion.ts";
import { firstConfig } from "../src/cli/first-config.ts";
import { unitText } from "../src/linux/install/unit.ts";
import { manualFile, program } from "./cli-pages.ts";
import { executableFile } from "./executable.ts";
import { type Architecture, architectures } from "./runtimes.ts";

/** Debian's names. */
const debianNames = { x64: "amd64", arm64: "arm64" } as const;

/** What goes into a package beside the program. */
export type PackageOptions = {
  readonly architecture: Architecture;
  /** The executable of that architecture. */
  readonly program: string;
  readonly version: string;
  /** As `Name <address>`. */
  readonly maintainer: string;
  /** Seconds since 1970 of every file in it: the same input gives the same bytes. */
  readonly epoch: number;
  /** Of dpkg-deb; xz is what the oldest supported Debian reads. */
  readonly compression: "xz" | "gzip" | "none";
};

const configFile = "etc/edge/edge.config.json";

/** What is in the folder of a package, with the text and mode of each file. */
function filesOf({ architecture, version, maintainer, epoch }: PackageOptions): ReadonlyMap<string, Content> {
  const plain = (content: string | Buffer): Content => ({ content, mode: 0o644 });
  const script = (name: string): Content => ({ content: readFileSync(`scripts/package/${name}`), mode: 0o755 });
  const unit = unitText({ program: "/usr/bin/edge", config: `/${configFile}`, canNotify: true });
  const date = new Date(epoch * 1_000).toUTCString().replace("GMT", "+0000");
  const entry = `edge (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz in this folder.\n\n -- ${maintainer}  ${date}\n`;
  const documents = "usr/share/doc/edge";
  const edge = program();
  return new Map([
    ["DEBIAN/control", plain(control({ architecture, version, maintainer }))],
    ["DEBIAN/conffiles", plain(`/${configFile}\n`)],
    ...["postinst", "prerm", "postrm"].map((name) => [`DEBIAN/${name}`, script(name)] as const),
    [configFile, { content: firstConfig(""), mode: 0o640 }],
    ["lib/systemd/system/edge.service", plain(unit)],
    ["usr/share/bash-completion/completions/edge", plain(completionScript("bash", edge))],
    ["usr/share/zsh/vendor-completions/_edge", plain(completionScript("zsh", edge))],
    ["usr/share/fish/vendor_completions.d/edge.fish", plain(completionScript("fish", edge))],
    ["usr/share/man/man1/edge.1.gz", plain(packed(readFileSync(manualFile)))],
    [`${documents}/changelog.gz`, plain(packed(Buffer.from(entry)))],
    [`${documents}/CHANGELOG.md.gz`, plain(packed(readFileSync("CHANGELOG.md")))],
    [`${documents}/copyright`, plain(copyright)],
    [`${documents}/sbom.cdx.json.gz`, plain(packed(readFileSync("dist/sbom.cdx.json")))],
    ["usr/share/lintian/overrides/edge", plain(overrides)],
  ]);
}

type Content = { readonly content: string | Buffer; readonly mode: number };

/** Writes a package; throws with what dpkg-deb said. */
export function makePackage(options: PackageOptions, output: string): void {
  const folder = mkdtempSync(join(tmpdir(), "edge-package-"));
  // Folders of a package are for everybody, whoever makes it.
  const umask = process.umask(0o022);
  try {
    const files = filesOf(options);
    for (const [name, { content, mode }] of files) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      chmodSync(path, mode);
    }
    mkdirSync(join(folder, "usr/bin"));
    copyFileSync(options.program, join(folder, "usr/bin/edge"));
    chmodSync(join(folder, "usr/bin/edge"), 0o755);
    const summed = [...files.keys(), "usr/bin/edge"].filter(
      (name) => !name.startsWith("DEBIAN/") && name !== configFile,
    );
    writeFileSync(
      join(folder, "DEBIAN/md5sums"),
      summed
        .sort()
        .map((name) => sumLine(folder, name))
        .join(""),
    );
    // The folder itself is in the package, and mkdtemp makes it for its owner alone.
    chmodSync(folder, 0o755);
    const args = ["--root-owner-group", `-Z${options.compression}`, "--build", folder, output];
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(options.epoch) };
    const run = spawnSync("dpkg-deb", args, { encoding: "utf8", env });
    if (run.status !== 0) throw new Error(`dpkg-deb failed: ${run.error?.message ?? run.stdout + run.stderr}`);
  } finally {
    process.umask(umask);
    rmSync(folder, { recursive: true });
  }
}

/** For `dpkg --verify`, which knows no other sum. */
function sumLine(folder: string, name: string): string {
  return `${createHash("md5")
    .update(readFileSync(join(folder, name)))
    .digest("hex")}  ${name}\n`;
}

/** What the last commit says: the version is package.json's, the time and the maintainer are the commit's. */
export function packageOfCommit(architecture: Architecture): PackageOptions {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
  const git = spawnSync("git", ["log", "-1", "--format=%ct %an <%ae>"], { encoding: "utf8" });
  const [, epoch = "", maintainer = ""] = /^(\d+) (.*)$/.exec(git.stdout.trim()) ?? [];
  if (git.status !== 0 || maintainer === "") throw new Error(`git does not name the last commit: ${git.stderr}`);
  const program = executableFile(architecture);
  return { architecture, program, version, maintainer, epoch: Number(epoch), compression: "xz" };
}

/** Where a package goes. */
export function packageFile({ architecture, version }: Pick<PackageOptions, "architecture" | "version">): string {
  return `dist/edge_${version}_${debianNames[architecture]}.deb`;
}

function control({
  architecture,
  version,
  maintainer,
}: Pick<PackageOptions, "architecture" | "version" | "maintainer">): string {
  return `Package: edge
Version: ${version}
Architecture: ${debianNames[architecture]}
Maintainer: ${maintainer}
Depends: libc6 (>= 2.28), libgcc-s1 | libgcc1, libstdc++6 (>= 7), passwd
Recommends: docker.io | docker-ce
Section: admin
Priority: optional
Description: runtime for pods from a center, on Docker
 The agent receives pods from a center over WebSocket, judges each by the
 rules of this device, and runs them on the local Docker engine. It works
 offline, restarts pods by itself, and reports their status.
`;
}

function packed(content: Buffer): Buffer {
  return gzipSync(content, { level: 9 });
}

const copyright = `edge-runtime

Copyright: 2026 the authors of edge-runtime

Licensed under the Apache License, Version 2.0. On Debian systems, its text
is in /usr/share/common-licenses/Apache-2.0.

The program contains Node.js and the packages that sbom.cdx.json.gz in this
folder lists, each with its license.
`;

/** The program is one executable with Node in it, which is not built as Debian's programs are; headers may be secret. */
const overrides = `edge: embedded-library *
edge: hardening-no-pie *
edge: non-standard-file-perm 0640 != 0644 [etc/edge/edge.config.json]
`;

if (import.meta.main) {
  for (const architecture of architectures) {
    const options = packageOfCommit(architecture);
    makePackage(options, packageFile(options));
    console.log(packageFile(options));
  }
}
