import { describe, expect, it } from "vitest";
import { huber } from "../../src/equivariance/losses.ts";
import { frameScene } from "../../src/frames/frameScene.ts";
import { frameViewer } from "../../src/report/frameViewer.ts";
import { renderFrames } from "../../src/report/framesPage.ts";
import { formatLoss, formatPercent, formatPercentError } from "../../src/report/format.ts";
import { frameSample, HOSTILE } from "./frameSample.ts";

const input = { title: "predicted.extxyz", facts: [["predictions", "predicted.extxyz"]] as const };
const text = (html: string) => html.replace(/<(script|style)>.*?<\/\1>/gs, "").replace(/<[^>]*>/g, " ");

describe("the page of measured frames", () => {
  it("tells verdicts, terms with intervals, floors, charts, gains and how to cite it", async () => {
    const measurement = await frameSample();
    const lines = { forces: "forces: not symmetric: 99 % of the loss", energy: "energy: something else" };
    const html = renderFrames({ ...input, measurement, lines, version: "9.8.7", notes: ["take < care"] });
    const words = text(html);
    const { forces } = measurement.terms;
    for (const heading of ["Verdict", "Terms", "The farthest prediction", "What averaging gains", "How to cite"]) {
      expect(html).toContain(`<h2>${heading}</h2>`);
    }
    for (const chart of ["Spread by structure", "By the angle of the rotation", "Averaging K predictions"]) {
      expect(html).toContain(`<h3>${chart}</h3>`);
    }
    expect(html).toContain("<b>forces: not symmetric</b><br>99 % of the loss");
    const [low, high] = forces!.percentEquivInterval!;
    expect(words).toContain(`${formatPercent(low)} to ${formatPercent(high)} %`);
    for (const key of ["rmse", "rmseMean", "spreadRms", "spreadMax", "signalRms"] as const) {
      expect(words).toContain(formatLoss(forces![key]));
    }
    expect(words).toContain(formatLoss(forces!.floor.value));
    expect(words).toContain(formatLoss(forces!.gains.at(-1)!.rmse));
    // Parts by irreducible representation of the cube's rotations.
    expect(html).toContain("<h3>By how it turns</h3>");
    expect(words).toContain("T1");
    expect(words).toContain("largest: frame 12, H3O");
    expect(words).toContain("take &lt; care");
    expect(html).toContain('<a href="https://arxiv.org/abs/2512.02303">');
    expect(words).toContain("voxtwirl 9.8.7");
    expect(text(html)).not.toMatch(/NaN|undefined|Infinity/);
    expect(html).not.toMatch(/="[^"]*NaN/);
  });

  it("says which loss it is of, and what averaging took of that", async () => {
    const measurement = await frameSample({ exact: false, loss: huber({ delta: 0.5 }) });
    const html = renderFrames({ ...input, measurement });
    const words = text(html).replace(/\s+/g, " ");
    expect(words).toContain("lossTotal is the loss (huber) of predictions");
    expect(words).not.toMatch(/lossTotal is the squared error|NaN|undefined|Infinity/);
    expect(html).not.toMatch(/="[^"]*NaN/);
    const { percentGain, percentGainStdErr } = measurement.terms.forces!.gains.at(-1)!;
    expect(percentGain).toBeGreaterThan(0);
    expect(words).toContain(formatPercentError(percentGain, percentGainStdErr));
    expect(words).toContain("Measured: averages of K of the predictions");
  });

  it("draws the farthest structure, its cell and its differences, and tells them in a table", async () => {
    const measurement = await frameSample();
    const { farthest } = measurement.details!.forces!;
    const scene = frameScene(farthest!);
    expect([scene.atoms.length, scene.edges.length, scene.arrows.length]).toEqual([4, 12, 4]);
    const { differences } = farthest!.vectors!;
    expect(scene.longest).toBeCloseTo(
      Math.max(...[0, 1, 2, 3].map((i) => Math.hypot(...differences.slice(3 * i, 3 * i + 3)))),
      12,
    );
    // Turned, not stretched: distances are those of the atoms, and arrows have one scale.
    const p = farthest!.positions;
    const apart = Math.hypot(p[3]! - p[0]!, p[4]! - p[1]!, p[5]! - p[2]!);
    const [a, b] = scene.atoms.map(({ place }) => place);
    expect(Math.hypot(a![0] - b![0], a![1] - b![1], a![2] - b![2])).toBeCloseTo(apart, 9);
    const dot = (u: ArrayLike<number>, v: ArrayLike<number>) => u[0]! * v[0]! + u[1]! * v[1]! + u[2]! * v[2]!;
    const scale = Math.hypot(...scene.arrows[0]!.vector) / Math.hypot(...differences.slice(0, 3));
    const bond = [0, 1, 2].map((k) => p[3 + k]! - p[k]!);
    const posed = [0, 1, 2].map((k) => b![k]! - a![k]!);
    expect(dot(scene.arrows[0]!.vector, posed)).toBeCloseTo(scale * dot(differences, bond), 9);
    const still = renderFrames({ ...input, measurement });
    expect(still.match(/<circle cx/g)!.length).toBeGreaterThan(3);
    expect(still.match(/class="head"/g)).toHaveLength(4);
    expect(still).not.toContain("data-scene");
    expect(text(still)).toContain("difference x y z");
    const turning = renderFrames({ ...input, measurement, viewer: "void 0;" });
    const data = /data-scene="([^"]*)"/.exec(turning)![1]!.replaceAll("&quot;", '"');
    expect(JSON.parse(data)).toMatchObject({ atoms: { length: 4 }, arrows: { length: 4 }, edges: { length: 24 } });
    expect(turning.match(/<button /g)).toHaveLength(7);
  });

  it("draws of a large structure what is nearest to its farthest atom, and says so", async () => {
    const { details } = await frameSample();
    const atoms = 2000;
    // A chain along x, whose last atom is the farthest.
    const positions = Float64Array.from({ length: 3 * atoms }, (_, i) => (i % 3 === 0 ? i / 3 : 0));
    const zeros = () => new Float64Array(3 * atoms);
    const vectors = { perAtom: true, differences: zeros(), mean: zeros(), target: null };
    vectors.differences[3 * atoms - 1] = 2;
    const elements = new Uint8Array(atoms).fill(29);
    const farthest = { ...details!.forces!.farthest!, atom: atoms, elements, positions, cell: null, vectors };
    const scene = frameScene(farthest);
    expect([scene.atoms.length, scene.left, scene.arrows.length, scene.longest]).toEqual([1500, 500, 1, 2]);
    expect(scene.atoms.at(-1)!.number).toBe(atoms);
    // Metals have no bonds, carbons 1.5 A apart have.
    expect(scene.bonds).toEqual([]);
    const near = { ...farthest, elements: elements.fill(6), positions: positions.map((value) => 1.5 * value) };
    expect(frameScene(near).bonds).toHaveLength(1499);
  });

  it("loads nothing, and nothing that files say breaks out", async () => {
    const measurement = await frameSample({ vectors: [HOSTILE] });
    expect(measurement.terms[HOSTILE]).toBeDefined();
    const html = renderFrames({
      ...input,
      title: HOSTILE,
      measurement: { ...measurement, remarks: [HOSTILE] },
      lines: { [HOSTILE]: `${HOSTILE}: not symmetric: ${HOSTILE}` },
      notes: [HOSTILE],
      facts: [[HOSTILE, HOSTILE]],
      viewer: await frameViewer(),
      version: HOSTILE,
    });
    expect(html).toContain("default-src 'none'");
    // What is said in one script alone, with three.js' licence in it.
    expect(html.match(/<script/gi)).toHaveLength(1);
    expect(html.match(/<\/script/gi)).toHaveLength(1);
    expect(html).not.toContain("<script>alert");
    const [script] = /<script>.*<\/script>/s.exec(html)!;
    expect(script).toContain("three.js authors");
    expect(script).toContain("The above copyright notice and this permission notice shall be included");
    expect(script).not.toMatch(/\beval\(|new Function/);
    const markup = html.replace(script, "");
    const links = [...markup.matchAll(/\b(?:src|href|action|data|srcset|poster)\s*=\s*"([^"]*)"/g)].map(([, to]) => to);
    expect(links).toEqual(["https://arxiv.org/abs/2512.02303"]);
    expect(markup).not.toMatch(/@import|<link|<iframe|<object|url\((?!#)/);
  });

  it("says without labels how far predictions spread, and without details leaves out their charts", async () => {
    const measurement = await frameSample({ labelled: false, exact: false });
    const html = renderFrames({ ...input, measurement });
    expect(text(html)).toContain("spread that is left");
    expect(text(html)).not.toMatch(/NaN|undefined|Infinity/);
    expect(html).not.toMatch(/="[^"]*NaN/);
    const { details: _, ...bare } = measurement;
    const short = renderFrames({ ...input, measurement: bare });
    expect(short).not.toMatch(/Spread by structure|farthest prediction/);
    expect(short).toContain("<h2>Terms</h2>");
  });

  it("refuses what is no measurement", () => {
    expect(() => renderFrames({ ...input, measurement: undefined as never })).toThrow(
      expect.objectContaining({ code: "bad-option" }),
    );
  });
});
