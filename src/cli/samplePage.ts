import { principalPose } from "../molecules/molecule.ts";
import { chainName, neighbourDistances, type Chain } from "../proteins/chain.ts";
import { chainGeometry } from "../proteins/geometry.ts";
import { secondaryStructure } from "../proteins/secondaryStructure.ts";
import type { ChainTrace } from "../report/chainDrawing.ts";
import { formatCount } from "../report/format.ts";
import type { HeadlineFigure } from "../report/headline.ts";
import { renderSamples, type SamplesHistogram } from "../report/samplesPage.ts";
import type { ModelFile } from "../training/modelFile.ts";
import { geometryRows, lengthsText, type ComparedGeometry } from "./sampleOutput.ts";
import type { SampleIdentity } from "./samplePart.ts";

declare const VOXTWIRL_VERSION: string;

/** What a page shows. */
export interface SamplePageOptions {
  readonly chains: readonly Chain[];
  /** Those to compare with. */
  readonly others: readonly Chain[];
  /** The same. */
  readonly compared: readonly [ComparedGeometry, ComparedGeometry];
  readonly file: ModelFile;
  readonly identity: SampleIdentity;
  /** As `--data` has it. */
  readonly data: string;
}

/** The page of sampled chains, as HTML. */
export function samplePage({ chains, others, compared, file, identity, data }: SamplePageOptions): string {
  const { lengths, steps, eta, seed, batch, precision } = identity;
  const { preset } = file.config.training;
  return renderSamples({
    title: `${formatCount(chains.length)} chains by ${preset} after ${formatCount(file.step)} steps`,
    figures: figures(compared),
    sampled: chains.map((chain, i) => trace(chain, `chain ${i + 1}`)),
    others: spread(others, 4).map((chain) => trace(chain, chainName(chain))),
    othersName: compared[1].name,
    table: geometryRows(compared),
    histograms: histograms(chains, others, compared[1].name),
    facts: [
      ["model", file.path],
      ["preset", preset],
      ["step of training", formatCount(file.step)],
      ["residues", lengthsText(lengths)],
      ["steps", formatCount(steps)],
      ["eta", String(eta)],
      ["seed", String(seed)],
      ["chains at once", formatCount(batch)],
      ["precision", precision],
      ["compared with", data],
      ["voxtwirl", VOXTWIRL_VERSION],
    ],
  });
}

/** Some of them from all over: by the golden ratio, as sets go in periods of their kinds. */
function spread<T>(all: readonly T[], count: number): T[] {
  const places = new Set<number>();
  for (let i = 0; places.size < Math.min(count, all.length); i++) {
    places.add(Math.floor(all.length * ((0.618 * i) % 1)));
  }
  return [...places].map((place) => all[place]!);
}

function trace({ positions }: Chain, name: string): ChainTrace {
  return { name, positions: principalPose(positions), structure: secondaryStructure(positions) };
}

function figures([{ summary }, { name: others, summary: other }]: SamplePageOptions["compared"]): HeadlineFigure[] {
  const share = (of: (summary: ComparedGeometry["summary"]) => number, name: string, what: string): HeadlineFigure => {
    const percent = (value: number) => (100 * value).toFixed(1);
    return { name, value: percent(of(summary)), small: "%", more: `${what}; ${others} ${percent(of(other))} %` };
  };
  return [
    share((s) => s.trans / s.neighbours, "neighbours", "3.7 to 3.9 A apart"),
    {
      name: "clashes",
      value: ((100 * summary.clashes) / summary.residues).toFixed(1),
      more: `of 100 residues; ${others} ${((100 * other.clashes) / other.residues).toFixed(1)}`,
    },
    {
      name: "radius of gyration",
      value: summary.radiusRatio.toFixed(2),
      more: `of a folded one's; ${others} ${other.radiusRatio.toFixed(2)}`,
    },
    share((s) => (s.counts.H + s.counts.E) / s.residues, "helix and strand", "of the residues"),
  ];
}

/** Of histograms. */
const BEYOND = "What lies beyond the axis is counted at its ends.";

function histograms(chains: readonly Chain[], others: readonly Chain[], name: string): SamplesHistogram[] {
  const series = (of: (chain: Chain) => readonly number[]) => [
    { key: "sampled", label: "sampled", values: chains.flatMap(of) },
    { key: "others", label: name, values: others.flatMap(of) },
  ];
  const ratio = ({ positions }: Chain) => {
    const { radiusOfGyration, expectedRadius } = chainGeometry(positions);
    return [radiusOfGyration / expectedRadius];
  };
  return [
    {
      title: "Distance of neighbours",
      description: "Shares of the distances between neighbouring C-alphas, of sampled chains and of others",
      caption: "Neighbours of real chains are 3.8 A apart, but for some 2.95 A where a peptide bond is cis. " + BEYOND,
      ...{
        xLabel: "A",
        range: [0, 8],
        bins: 80,
        series: series(({ positions }) => [...neighbourDistances(positions)]),
      },
    },
    {
      title: "Nearest other residue",
      description: "Shares of the distances from a C-alpha to the nearest that is no neighbour",
      caption:
        "Of each C-alpha the distance to the nearest of those that are no neighbours; below 3.5 A they clash. " +
        BEYOND,
      ...{ xLabel: "A", range: [0, 10], bins: 80, series: series(({ positions }) => nearest(positions)) },
    },
    {
      title: "Radius of gyration",
      description: "Shares of the chains' radii of gyration over those of folded proteins of their lengths",
      caption: "Of each chain, over 2.2 n^0.38 A, that of a folded protein of n residues. " + BEYOND,
      ...{ xLabel: "over that of a folded protein", range: [0, 3], bins: 30, series: series(ratio) },
    },
  ];
}

/** Of each residue the distance to the nearest of those that are no neighbours, in Angstrom. */
function nearest(p: ArrayLike<number>): number[] {
  const n = p.length / 3;
  const squares = new Array<number>(n).fill(Infinity);
  for (let j = 2; j < n; j++) {
    for (let i = 0; i + 1 < j; i++) {
      const [x, y, z] = [0, 1, 2].map((a) => p[3 * j + a]! - p[3 * i + a]!) as [number, number, number];
      const square = x * x + y * y + z * z;
      squares[i] = Math.min(squares[i]!, square);
      squares[j] = Math.min(squares[j]!, square);
    }
  }
  return squares.filter(Number.isFinite).map(Math.sqrt);
}
