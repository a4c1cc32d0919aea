/**
 * What this build carries out of what the rules allow, one switch each. Who says "OK" to a field and then leaves it out
 * starts something else than what was asked for; so a switch that is off refuses, with one clear sentence.
 */
export interface FeatureGates {
  readonly severalContainers: boolean;
  readonly configMapVolumes: boolean;
  readonly memoryEmptyDir: boolean;
  readonly livenessProbe: boolean;
  readonly readinessProbe: boolean;
  readonly npu: boolean;
  readonly imagePullSecrets: boolean;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly gracefulDelete: boolean;
  readonly podRestart: boolean;
  readonly podsData: boolean;
  readonly configMaps: boolean;
  readonly secrets: boolean;
  readonly modelFiles: boolean;
  readonly npuSharing: boolean;
}

/** For the tests of the rules themselves. */
export const everything: FeatureGates = {
  severalContainers: true,
  configMapVolumes: true,
  memoryEmptyDir: true,
  livenessProbe: true,
  readinessProbe: true,
  npu: true,
  imagePullSecrets: true,
  hostNetwork: true,
  hostPid: true,
  gracefulDelete: true,
  podRestart: true,
  podsData: true,
  configMaps: true,
  secrets: true,
  modelFiles: true,
  npuSharing: true,
};

/** What this build does. Switch a feature on in the commit that makes it work. */
export const featureGates: FeatureGates = { ...everything, modelFiles: false, npuSharing: false };
