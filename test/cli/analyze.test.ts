import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Landscape } from "../../src/analysis/landscape.ts";
import type { TermSlices } from "../../src/analysis/termSlices.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { SMALL_RUN } from "./smallRun.ts";
import { hasTerminal, onTerminal } from "./terminal.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("analyze");
const file = (name: string) => join(folder, name);
const run = file("run");
/** Of its JSON, what is looked at here. */
interface Found {
  gradients: { percentEquiv: number; byLayer: { layer: string }[] };
  landscape: Record<"total" | "mean" | "equiv", { trace: number; products: number }>;
  parameters: { norms: { byLayer: { layer: string }[] }; line: { s: number; percentEquiv: number }[] };
  latents: { layers: { name: string }[] };
}

/** As cheap as it can be with all its parts. */
const few = ["--model", run, "--data", "builtin", "--limit", "2", "--twirl", "2", "--products", "3", "--probes", "2"];

beforeAll(async () => {
  const result = await command.run(["train", ...SMALL_RUN, "--steps", "2", "--every", "2", "--out", run, "--quiet"]);
  expect(result.code, result.stderr).toBe(0);
});

describe("voxtwirl analyze", () => {
  it("makes all four analyses as JSON and as a page, and says beforehand what they take", async () => {
    const args = [...few, "--layers", "final,down.*", "--json", "--html", file("page.html")];
    const { code, stdout, stderr } = await command.run(["analyze", ...args]);
    expect(code, stderr).toBe(0);
    // Two probes of 3 and 1 products, one for the residual and one with another step, for each of three terms.
    expect(stderr).toMatch(/^voxtwirl: landscape +18 products, 36 gradients of 2 molecules, about .*of vectors$/m);
    for (const name of ["gradients", "parameters", "latents"]) {
      expect(stderr).toMatch(new RegExp(`^voxtwirl: ${name} .*about .*\\d+ s(, .*of vectors)?$`, "m"));
    }
    const found = JSON.parse(stdout) as Found;
    expect(found).toMatchObject({
      ...{
        formatVersion: 1,
        type: "analyze",
        group: "octahedral",
        loss: "squared",
        split: "exact",
        step: 2,
        samples: 2,
        rotations: 2,
      },
      ...{ interrupted: false, heldoutOnly: true, candidates: 2 },
      gradients: { samples: 2, interrupted: false, percentEquivInterval: [expect.any(Number), expect.any(Number)] },
      landscape: { matrix: "hessian", samples: 2 },
      parameters: { fit: { tolerance: 0.1 }, samples: 2 },
      latents: { samples: 2 },
    });
    const { gradients, landscape, parameters, latents } = found;
    const names = [gradients.byLayer, parameters.norms.byLayer].map((layers) => layers.map(({ layer }) => layer));
    for (const all of [...names, latents.layers.map(({ name }) => name)]) {
      expect(all.length).toBeGreaterThan(2);
      expect(all.filter((name) => !/^(final$|down\.)/.test(name))).toEqual([]);
    }
    // The parts add up: the measured traces, and L at the end of the line.
    const { total, mean, equiv } = landscape;
    expect(total.products).toBe(6);
    expect(Math.abs(mean.trace + equiv.trace - total.trace)).toBeLessThan(0.01 * Math.abs(total.trace));
    expect(total).not.toHaveProperty("vectors");
    const end = parameters.line.at(-1)!;
    expect(end.s).toBe(1);
    expect(end.percentEquiv).toBeCloseTo(gradients.percentEquiv, 3);

    const page = readFileSync(file("page.html"), "utf8");
    expect(page).toMatch(/^<!doctype html>.*<\/html>\n$/s);
    expect([...page.matchAll(/<h2>([^<]+)</g)].map(([, name]) => name)).toEqual([
      ...["Gradients", "Curvature", "Parameter space", "Hidden features", "How it was made"],
    ]);
    expect(page).toContain(`<dd>${join(run, "model.safetensors")}</dd>`);
    expect(page).not.toMatch(/interrupted|(up|middle)\.\w+</);
    expect(readdirSync(folder).sort()).toEqual(["page.html", "run"]);
  });

  it("prints tables of what was asked for, and names the page", async () => {
    const what = ["--what", "parameters, gradients", "--html", file("part.html")];
    const { code, stdout, stderr } = await command.run(["analyze", ...few, ...what]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^2 of 2 held-out molecules of builtin, 2 rotations each$/m);
    expect(stdout).toMatch(/^ {2}all layers +\S+ ± \S+ +\S+ ± \S+ +\S+ ± \S+ +[\d.]+ ± [\d.]+ % +-?[\d.]+ ± [\d.]+$/m);
    expect(stdout).toMatch(/^ {2}1\.000 +\S+ ± .* %$/m);
    expect(stdout).toMatch(/\nwritten: .*part\.html\n$/);
    expect(stdout).not.toMatch(/Curvature|Hidden features|NaN/);
    expect(readFileSync(file("part.html"), "utf8")).not.toMatch(/<h2>(Curvature|Hidden)/);
  });

  it("draws slices of the landscape where they are asked for, and says what they take", async () => {
    const args = [...few, "--what", "landscape", "--slices", "--json", "--html", file("slices.html")];
    const { code, stdout, stderr } = await command.run(["analyze", ...args]);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^voxtwirl: slices +185 evaluations of 2 molecules, about .* s$/m);
    const { slices, landscape } = JSON.parse(stdout) as { slices: TermSlices; landscape: Landscape };
    expect(slices).toMatchObject({ samples: 2, rotations: 2, interrupted: false });
    const [random, mean] = slices.lines;
    expect(random).toMatchObject({ direction: "random", points: { length: 21 } });
    const here = random!.points[10]!;
    expect(here).toMatchObject({ at: [0], lossTotalInterval: [expect.any(Number), expect.any(Number)] });
    expect(mean!.direction).toBe("mean");
    expect((mean!.length ** 2 * landscape.mean!.lambdaMax) / 2 / here.lossMean).toBeCloseTo(1, 5);
    const known = slices.lines.length === 3 ? 121 : undefined;
    expect(slices.plane?.points.length).toBe(known);
    expect(landscape.mean).not.toHaveProperty("vectors");
    expect(readFileSync(file("slices.html"), "utf8")).toContain('id="slice-mean-clip"');
  });

  it("takes other losses, names them and measures as measure does", async () => {
    const of = ["--model", run, "--data", "builtin", "--limit", "2"];
    const loss = ["--loss", "huber", "--delta", "0.01"];
    const landscape = ["--what", "gradients,landscape", "--products", "2", "--probes", "1"];
    const analyzed = await command.run([
      "analyze",
      ...of,
      ...loss,
      ...landscape,
      "--json",
      "--html",
      file("huber.html"),
    ]);
    expect(analyzed.code, analyzed.stderr).toBe(0);
    const found = JSON.parse(analyzed.stdout) as Found;
    expect(found).toMatchObject({ loss: "huber", split: "gap", delta: 0.01, rotations: 24 });
    const measured = await command.run(["measure", ...of, ...loss, "--json"]);
    const { percentEquiv } = JSON.parse(measured.stdout) as { percentEquiv: number };
    expect(found.gradients.percentEquiv).toBeCloseTo(percentEquiv, 6);
    expect(readFileSync(file("huber.html"), "utf8")).toContain("huber, delta 0.01; no exact split");
    const { stdout } = await command.run(["analyze", ...of, "--loss", "absolute", "--what", "gradients"]);
    expect(stdout).toMatch(/^Loss: absolute\. No exact split: lossEquiv is the gap/m);
  });

  it.skipIf(!hasTerminal)("gives what is known after Ctrl-C, as text and on the page", async () => {
    const words = [...few, "--products", "5000", "--what", "gradients,landscape,latents", "--html", file("stop.html")];
    const line = [process.execPath, command.path, "analyze", ...words].join(" ");
    const { code, output, live } = await onTerminal(line, 50, /landscape [2-9] of/);
    expect(code, output).toBe(130);
    expect(live.join("\n")).toMatch(/^landscape \d+ of [\d,]+ {2}.* left$/m);
    expect(output).toContain("voxtwirl: stopping after the molecules in hand; once more to stop at once");
    expect(output).toMatch(/interrupted: what is known so far\s+Gradients .*: 2 molecules/);
    expect(output).toMatch(/Curvature, .*, interrupted: 2 molecules\s+of L\r?\n/);
    expect(output).not.toMatch(/Hidden features:|NaN/);
    const page = readFileSync(file("stop.html"), "utf8");
    expect([...page.matchAll(/<li>([^<]+)</g)].map(([, note]) => note)).toEqual([
      "Curvature: interrupted; the figures are of what was done by then.",
      "Hidden features: stopped before anything was known.",
    ]);
  });

  it.each<[string[], RegExp]>([
    [["--data", "builtin"], /--model is not given\n.*Give --model and --data/],
    [["--model", run], /--data is not given/],
    [["--model", run, "--data", "builtin", "--loss", "absolute"], /--loss absolute has no curvature.*\n.*--what/],
    [[...few, "--what", "gradients", "--loss", "absolute"], /--loss absolute takes all 24 rotations, not --twirl 2/],
    [
      [...few, "--loss", "cross-entropy"],
      /cross-entropy goes with --predictions of measure.*\n.*squared, absolute or hub/,
    ],
    [[...few, "--delta", "1"], /--delta goes with --loss huber/],
    [
      ["--model", run, "--data", "builtin", "--loss", "huber", "--matrix", "gauss-newton"],
      /--matrix gauss-newton does not go with --loss huber/,
    ],
    [[...few, "--what", "gradients", "--slices"], /--slices goes with the landscape/],
    [[...few, "--what", "gradients,shape"], /--what shape is not known\n.*gradients, landscape, parameters, latents/],
    [[...few, "--layers", "side.*"], /--layers side\.\* is none of the model's\n.*grid_projection/],
    [[...few, "--twirl", "25"], /--twirl 25/],
    [[...few, "--products", "0"], /--products 0/],
    [[...few, "--matrix", "fisher"], /--matrix fisher is not known/],
    [[...few, "--group", "so3"], /--group so3 is not known/],
    [[...few, "--html", ""], /--html is empty/],
    [[...few, "--htm", "x"], /Did you mean --html/],
  ])("refuses %j", async (args, message) => {
    const result = await command.run(["analyze", ...args]);
    expect(result).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(message) });
  });

  it("analyses force fields, all but a parameter space that they have not", async () => {
    const forces = file("forces");
    const sizes = ["--steps", "2", "--every", "2", "--batch", "4", "--heldout", "3", "--twirl", "2"];
    const trained = await command.run(["train", "--task", "forces", ...sizes, "--out", forces, "--quiet"]);
    expect(trained.code, trained.stderr).toBe(0);
    const data = ["--model", forces, "--data", "builtin-forces", "--limit", "2", "--twirl", "2"];
    const layers = ["--layers", "backbone.transformer_blocks.*", "--products", "3", "--probes", "2"];
    const { code, stdout, stderr } = await command.run(["analyze", ...data, ...layers, "--json"]);
    expect(code, stderr).toBe(0);
    const found = JSON.parse(stdout) as Partial<Found>;
    expect(Object.keys(found)).toEqual(expect.arrayContaining(["gradients", "landscape", "latents"]));
    expect(found.parameters).toBe(undefined);
    const names = ["message", "attention", "node", "edge"].map((name) => `block0.${name}`);
    expect(found.latents!.layers.map(({ name }) => name)).toEqual(names);
    const what = await command.run(["analyze", ...data, "--what", "gradients,parameters"], command.places.noDriver);
    expect(what).toMatchObject({ code: 1, stdout: "" });
    expect(what.stderr).toContain("the net has none");
  });

  it("refuses before it computes anything what it cannot write or read", async () => {
    mkdirSync(file("folder"));
    const places = [file("folder"), file("none/page.html"), join(run, "config.json", "page.html")];
    for (const html of places) {
      const { code, stdout, stderr } = await command.run(["analyze", ...few, "--html", html]);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(`cannot write ${html}`);
      expect(stderr).not.toContain("products");
    }
    expect(existsSync(file("none"))).toBe(false);
    expect(readdirSync(file("folder"))).toEqual([]);
    const missing = await command.run(["analyze", "--model", file("none"), "--data", "builtin"]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/none/);
  });

  it("is in the help", async () => {
    const { stdout } = await command.run(["help", "analyze"]);
    expect(stdout).toMatch(/^Usage: voxtwirl analyze \[options\]/);
    for (const option of ["model", "data", "what", "limit", "products", "probes", "layers", "html"]) {
      expect(stdout).toContain(`--${option} `);
    }
  });
});
