import type { SampleMean, Similarity } from "../analysis/featureTally.ts";
import type { LatentResult, LatentSimilarity } from "../analysis/latents.ts";
import type { AxisAngle } from "../equivariance/axisAngle.ts";
import { type HeatCell, heatMap } from "./heatMap.ts";
import { escapeHtml } from "./html.ts";
import { isFiniteNumber } from "./types.ts";

/** Of cosines. */
const DOMAIN = [-1, 1] as const;
const NETWORKS = ["trained", "initial"] as const;

/**
 * How alike the hidden maps of a model stay under rotation, as a heat map of layers beside their baselines and one of
 * layers by rotations.
 *
 * @param which the cosine of all numbers, or that with each channel's mean taken away
 */
export function latentFigure(result: LatentResult, which: keyof Similarity): string {
  const what = which === "cosine" ? "cosine" : "centred cosine";
  const caption = [
    `The ${what} of a layer's map for a molecule and its map for the rotated molecule, rotated back:`,
    `1 where the layer rotates along. Means over ${result.samples} molecules, with standard errors; in the upper map`,
    "over all rotations but the identity. The initial weights are those that training began with; different molecules",
    "show how alike maps are that have no more in common. Diagonal axes are named by the signs of x, y and z.",
    ...(which === "cosine" ? [] : ["Each channel's mean over the layer is taken away first."]),
  ].join(" ");
  const maps = baselines(result, which, what) + rotations(result, which, what);
  return `<figure>${maps}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

function baselines({ layers }: LatentResult, which: keyof Similarity, what: string): string {
  const columns = ["same molecule", "different molecules"];
  return heatMap({
    description: `The ${what} of ${layers.length} layers' maps under rotation, beside its baselines.`,
    legend: what,
    domain: DOMAIN,
    groups: [
      { heading: "trained", columns },
      { heading: "initial weights", columns },
    ],
    rows: layers.map((layer) => ({
      label: labelOf(layer),
      cells: NETWORKS.flatMap((net) => [layer[net].rotated, layer[net].others]).map((of): HeatCell => {
        const { mean } = of[which];
        return isFiniteNumber(mean) ? { value: mean, text: withError(of[which]) } : { value: null };
      }),
    })),
  });
}

function rotations({ layers, rotations: all }: LatentResult, which: keyof Similarity, what: string): string {
  const turning = all.flatMap((rotation, k) => (rotation.angle === 0 ? [] : [{ ...rotation, k }]));
  const degrees = (angle: number) => Math.round(angle);
  const angles = [...new Set(turning.map(({ angle }) => degrees(angle)))].sort((a, b) => a - b);
  const groups = angles.map((angle) => turning.filter((rotation) => degrees(rotation.angle) === angle).sort(byAxis));
  return heatMap({
    description: `The ${what} of ${layers.length} layers' maps under each of ${turning.length} rotations.`,
    legend: `${what}, trained`,
    domain: DOMAIN,
    groups: groups.map((own, i) => ({ heading: `${angles[i]}° about`, columns: own.map(columnName) })),
    rows: layers.map((layer) => ({
      label: labelOf(layer),
      cells: groups.flat().map((rotation): HeatCell => {
        const found = layer.trained.rotated.byRotation[rotation.k]![which];
        const where = `${layer.name}, ${degrees(rotation.angle)}° about ${axisName(rotation)}`;
        return { value: found.mean, title: `${where}: ${withError(found)}` };
      }),
    })),
  });
}

function labelOf({ name, size, channels }: LatentSimilarity): string {
  return `${name} ${size === null ? "" : `${size}³×`}${channels}`;
}

function withError({ mean, stdErr }: SampleMean): string {
  const [value, error] = [mean, stdErr].map((x) => x.toFixed(3).replace("-", "−"));
  return isFiniteNumber(stdErr) ? `${value} ± ${error}` : value!;
}

/** Axes along fewer directions first, then as their names go. */
function byAxis(a: AxisAngle, b: AxisAngle): number {
  const [nameA, nameB] = [axisName(a), axisName(b)];
  return nameA.length - nameB.length || (nameA < nameB ? -1 : 1);
}

/** An axis of the cube by its directions: "+x", "+y−z"; of another axis its components. */
function axisName({ axis }: AxisAngle): string {
  const largest = Math.max(...axis.map(Math.abs));
  const parts = axis.map((component) => component / largest);
  const isOfCube = parts.every((part) => Math.abs(part - Math.round(part)) < 1e-6);
  if (!isOfCube) return axis.map((component) => component.toFixed(1)).join(" ");
  return parts.map((part, i) => (Math.round(part) === 0 ? "" : `${part > 0 ? "+" : "−"}${"xyz"[i]}`)).join("");
}

/** The same in few characters: of a diagonal the signs of x, y and z; a half turn's axis does not begin with a plus. */
function columnName(rotation: AxisAngle): string {
  const name = axisName(rotation);
  if (/^([+−][xyz]){3}$/.test(name)) return name.replace(/[xyz]/g, "");
  return Math.round(rotation.angle) === 180 ? name.replace(/^\+/, "") : name;
}
