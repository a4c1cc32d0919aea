import { basename, join } from "node:path";
import { type AdmissionContext, defaultProtectedPaths } from "../core/admission/context.ts";
import { featureGates } from "../core/admission/feature-gates.ts";
import { admitLocalPod } from "../core/admission/local.ts";
import { readPodContent } from "../core/admission/pod-content.ts";
import { defaultPolicy } from "../core/admission/policy.ts";
import type { Violation } from "../core/base/violation.ts";
import { type Config, ownPaths } from "../core/config/config.ts";
import { isPodFileName, readPodFile } from "../linux/factory-files.ts";
import { imagesOf, isArchiveName } from "../linux/image-archives.ts";
import { copyStep, folderStep, type Step } from "../linux/install/install-steps.ts";
import { defaultFolders } from "./config-file.ts";
import { configIn, foldersIn, inRoot } from "./installation.ts";
import { verdictLines, violationCount } from "./verdict-lines.ts";

/** Files of a device maker for the device: factory pods and archives of images. */
export interface FactoryContent {
  readonly pods: readonly string[];
  readonly images: readonly string[];
}

/** For reading one archive, which may have gigabytes. */
const readTimeoutMs = 30 * 60_000;
const rootOnly = { gid: () => 0 };

/** What only the device itself can tell: its size and its addresses. */
const rulesOfTheDevice: ReadonlySet<string> = new Set([
  "capacity.cpu",
  "capacity.memory",
  "capacity.npu",
  "capacity.hostIP",
]);

/**
 * What is wrong with the files, as lines to print; none if all of them can be used. Pods are judged by the rules and by the
 * policy of the configuration in `root`, archives are read whole. Never throws.
 */
export async function factoryProblems({ pods, images }: FactoryContent, root: string): Promise<readonly string[]> {
  const lines = [...sameNames(pods), ...sameNames(images)];
  const config = pods.length === 0 ? null : configOf(root);
  for (const file of pods) lines.push(...(await podProblems(file, contextFor(file, config))));
  for (const file of images) {
    const problem = await imageProblem(file);
    if (problem !== null) lines.push(`${file} cannot be used: ${problem}`);
  }
  return lines;
}

/**
 * The steps that put the files in place: images first, for a pod to find its own. The usual folder of factory pods is made
 * without files, too; another one may be on a disk that is not mounted here.
 */
export function factorySteps({ pods, images }: FactoryContent, root: string): readonly Step[] {
  const { podsDir, imagesDir } = foldersIn(root);
  const folder = (path: string): Step => folderStep(inRoot(root, path), { mode: 0o755, ...rootOnly });
  const copy = (file: string, dir: string, mode: number): Step =>
    copyStep(inRoot(root, join(dir, basename(file))), file, { mode, ...rootOnly });
  return [
    ...(images.length > 0 ? [folder(imagesDir)] : []),
    ...images.map((file) => copy(file, imagesDir, 0o600)),
    ...(pods.length > 0 || podsDir === defaultFolders.podsDir ? [folder(podsDir)] : []),
    ...pods.map((file) => copy(file, podsDir, 0o644)),
  ];
}

/** Files of one name would take each other's place. */
function sameNames(files: readonly string[]): readonly string[] {
  const seen = new Map<string, string>();
  const lines: string[] = [];
  for (const file of files) {
    const other = seen.get(basename(file));
    if (other !== undefined && other !== file) lines.push(`${file} has the same name as ${other}: rename one of them`);
    seen.set(basename(file), file);
  }
  return lines;
}

/** The configuration that will judge; null without one. A wrong one has refused everything before. */
function configOf(root: string): Config | null {
  const loaded = configIn(root, { strict: true });
  return loaded?.ok === true ? loaded.config : null;
}

function contextFor(file: string, config: Config | null): AdmissionContext {
  return {
    policy: config?.policy ?? defaultPolicy,
    node: { allocatable: {}, addresses: [], listening: { tcp: [], udp: [] }, pods: [], configMaps: [] },
    featureGates,
    nodeName: config?.node.name ?? "device",
    protectedPaths: [...defaultProtectedPaths, ...(config === null ? [] : ownPaths(config))],
    asker: { origin: { kind: "factory", file: basename(file) }, isForced: false },
  };
}

async function podProblems(file: string, context: AdmissionContext): Promise<readonly string[]> {
  if (!isPodFileName(basename(file)))
    return [`${file} cannot be used: the name of a factory pod's file ends in .yaml, .yml or .json and is not hidden`];
  const read = await readPodFile(file);
  if (!read.ok) return [`${file} cannot be used: ${read.reason}`];
  const content = readPodContent(read.json);
  if (!content.ok) return [`${file} cannot be used: ${content.reason}`];
  const verdict = admitLocalPod(content.content, context);
  const violations: readonly Violation[] = verdict.accepted
    ? []
    : verdict.violations.filter(({ rule }) => !rulesOfTheDevice.has(rule));
  if (violations.length === 0) return [];
  return verdictLines(`${file}: refused, ${violationCount(violations)}`, { violations, warnings: verdict.warnings });
}

async function imageProblem(file: string): Promise<string | null> {
  if (!isArchiveName(basename(file)))
    return "the name of an archive ends in .tar, .tar.gz, .tgz or .tar.zst and is not hidden";
  const names = await imagesOf(file, AbortSignal.timeout(readTimeoutMs));
  return names.ok ? null : names.message;
}
