import { termGradients } from "../analysis/gradients.ts";
import { landscape, landscapeCost, type LandscapeOptions } from "../analysis/landscape.ts";
import { measureLatents, type LatentMeasurer } from "../analysis/latents.ts";
import { parameterSpace, parameterSpaceCost } from "../analysis/parameterSpace.ts";
import type { Analysis, AnalysisResults } from "../analysis/results.ts";
import { VoxtwirlError } from "../errors.ts";
import { formatBytes } from "../gpu/gpu.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { formatCount, formatDuration } from "../report/format.ts";
import type { ModelTerms } from "../training/task.ts";

export interface AnalysesOptions {
  readonly what: readonly Analysis[];
  readonly terms: ModelTerms;
  /** Makes what latents are measured with; undefined where they are not asked for. */
  readonly latents: LatentMeasurer | undefined;
  /** Places in the data of the samples. */
  readonly chosen: Uint32Array;
  /** Samples of the landscape, the first ones. */
  readonly landscapeSamples: number;
  readonly landscape: LandscapeOptions;
  readonly signal: AbortSignal;
}

/** Seconds that a sample takes. */
export interface Pace {
  readonly evaluation: number;
  readonly gradient: number;
}

/** Times one sample, after a first time that compiles. */
export async function paceOf(terms: ModelTerms, signal: AbortSignal): Promise<Pace> {
  const timed = async (work: () => Promise<unknown>) => {
    await work();
    const start = performance.now();
    await work();
    return (performance.now() - start) / 1000;
  };
  const one = { to: 1, signal };
  return {
    evaluation: await timed(() => terms.sums(terms.weights, one)),
    gradient: await timed(() => terms.gradient("equiv", terms.weights, one)),
  };
}

/** A line for each analysis: what it takes, and about how long. */
export function costLines(options: AnalysesOptions, pace: Pace): string[] {
  const { what, terms, landscapeSamples: few } = options;
  const { samples } = terms;
  const about = (seconds: number) => `about ${formatDuration(seconds)}`;
  const of = (count: number) => `${formatCount(count)} molecule${count === 1 ? "" : "s"}`;
  const costs: Record<Analysis, () => string> = {
    gradients: () => `2 gradients of ${of(samples)}, ${about(samples * (2 * pace.gradient + pace.evaluation))}`,
    landscape: () => {
      const { products, gradients, bytes } = landscapeCost(terms, options.landscape);
      const time = about(gradients * few * pace.gradient);
      return `${products} products, ${gradients} gradients of ${of(few)}, ${time}, ${formatBytes(bytes)} of vectors`;
    },
    parameters: () => {
      const { evaluations } = parameterSpaceCost(terms);
      return `${evaluations} evaluations of ${of(samples)}, ${about(evaluations * samples * pace.evaluation)}`;
    },
    // Two networks, and their maps to the host.
    latents: () => `${of(samples)}, ${about(4 * samples * pace.evaluation)}`,
  };
  return what.map((name) => `${name.padEnd(11)} ${costs[name]()}`);
}

/**
 * Runs one analysis after another. What the signal interrupts is kept as far as it is known, and what comes after it is
 * left out.
 *
 * @param onProgress is told what is being done, and how far it is
 */
export async function runAnalyses(
  options: AnalysesOptions,
  onProgress: (name: Analysis, done: number, total: number) => void,
): Promise<AnalysisResults> {
  const { what, terms, latents, chosen, landscapeSamples, signal } = options;
  const results: { -readonly [Name in keyof AnalysisResults]: AnalysisResults[Name] } = {};
  for (const name of what) {
    if (signal.aborted) break;
    const given = { signal, onProgress: (done: number, total: number) => onProgress(name, done, total) };
    try {
      if (name === "gradients") results.gradients = await termGradients(terms, given);
      if (name === "landscape") {
        results.landscape = await landscape(terms, { ...options.landscape, to: landscapeSamples, ...given });
      }
      if (name === "parameters") results.parameters = await parameterSpace(terms, given);
      if (name === "latents" && latents) results.latents = await measureLatents(latents, [...chosen], given);
    } catch (error) {
      if (!(error instanceof VoxtwirlError) || error.code !== "aborted") throw error;
    }
  }
  return results;
}
