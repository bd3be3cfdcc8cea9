import { rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build as bundle } from "esbuild";
import type { Browser, Page as Tab } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { build } from "../../scripts/build.mjs";
import * as voxtwirl from "../../src/index.ts";
import { relativeError, testGpu } from "../harness.ts";
import { startChromium } from "./chromium.ts";
import { runTable } from "./kernelTable.ts";
import { type Page, trainAndMeasure, trainForces } from "./workloads.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const dist = fileURLToPath(new URL(`../../.cache/browser-test-${process.pid}`, import.meta.url));

/** The page's script: what the package is to a browser, and what these tests do with it. */
async function pageScript(): Promise<string> {
  if (!(await build(dist))) throw new Error("the build failed");
  const contents = `import * as voxtwirl from "voxtwirl";
    import { page } from "./workloads.ts";
    globalThis.page = page(voxtwirl);`;
  const { outputFiles } = await bundle({
    stdin: { contents, resolveDir: here },
    alias: { voxtwirl: `${dist}/index.js` },
    ...{ bundle: true, minify: true, format: "esm", platform: "browser", write: false, logLevel: "error" },
  });
  return outputFiles[0]!.text;
}

const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';

// Some 20 s on two idle cores, most of them SwiftShader compiling; other work beside it takes its share.
describe("in a browser", { timeout: 300_000 }, () => {
  let browser: Browser | undefined;
  let missing = "";
  let server: Server | undefined;
  let tab: Tab;
  const complaints: string[] = [];

  beforeAll(async () => {
    const started = await startChromium();
    if ("missing" in started) {
      missing = started.missing;
      return;
    }
    browser = started.browser;
    const script = await pageScript();
    // WebGPU is for secure contexts: https, or this machine.
    server = createServer((request, response) => {
      const isScript = request.url === "/page.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? script : html);
    });
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    tab = await browser.newPage();
    tab.on("console", (message) => complaints.push(message.text()));
    tab.on("pageerror", (error) => complaints.push(String(error)));
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await tab.waitForFunction(() => "page" in globalThis);
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(dist, { recursive: true, force: true });
  });

  function inBrowser<K extends keyof Page>(context: TestContext, name: K): ReturnType<Page[K]> {
    if (!browser) context.skip(`no Chromium: ${missing}`);
    const call = (method: K) => (globalThis as unknown as { page: Page }).page[method]();
    return tab.evaluate(call as () => unknown, name) as ReturnType<Page[K]>;
  }

  it("runs every kernel as Node does", async (context) => {
    const there = await inBrowser(context, "table");
    const here = await runTable(voxtwirl, await testGpu());
    const kernels = new Set(Object.keys(here).map((name) => name.split("/", 1)[0]));
    expect([...kernels]).toEqual(voxtwirl.allKernels().map(({ name }) => name));
    for (const [name, values] of Object.entries(here)) {
      expect(values.some((value) => value !== 0) || name === "gradNorm/flags", name).toBe(true);
      expect(relativeError(there[name]!, values), name).toBeLessThan(1e-5);
    }
  });

  it("trains and measures as Node does", async (context) => {
    const there = await inBrowser(context, "train");
    const here = await trainAndMeasure(voxtwirl, await testGpu());
    expect(there.losses).toHaveLength(20);
    expect(there.losses[19]).toBeLessThan(there.losses[0]! / 2);
    for (const list of ["losses", "gradNorms"] as const) {
      for (const [i, value] of here[list].entries()) {
        expect(Math.abs(there[list][i]! / value - 1), `${list} ${i}`).toBeLessThan(1e-3);
      }
    }
    expect(Object.keys(there.evaluation)).toEqual(Object.keys(here.evaluation));
    for (const [name, value] of Object.entries(here.evaluation)) {
      expect(Math.abs(there.evaluation[name]! / value - 1), name).toBeLessThan(1e-3);
    }
    const { lossTotal, twistedTotal } = there.evaluation;
    expect(Math.abs(lossTotal! / twistedTotal! - 1)).toBeLessThan(1e-5);
  });

  it("trains and measures a force field as Node does", async (context) => {
    const there = await inBrowser(context, "trainForces");
    const here = await trainForces(voxtwirl, await testGpu());
    expect(there.losses).toHaveLength(3);
    for (const list of ["losses", "gradNorms"] as const) {
      for (const [i, value] of here[list].entries()) {
        expect(Math.abs(there[list][i]! / value - 1), `${list} ${i}`).toBeLessThan(1e-3);
      }
    }
    // Energies are invariant: what of their error depends on the pose is rounding, another on each adapter.
    const { percentEquivEnergy, ...evaluation } = here.evaluation;
    expect(Math.max(percentEquivEnergy!, there.evaluation.percentEquivEnergy!)).toBeLessThan(1e-6);
    for (const [name, value] of Object.entries(evaluation)) {
      expect(Math.abs(there.evaluation[name]! / value - 1), name).toBeLessThan(1e-3);
    }
  });

  it("computes on a caller's device, in the caller's buffers", async (context) => {
    const { x, y, largestBuffer, copies, bytes, afterDestroy } = await inBrowser(context, "callers");
    const silu = x.map((value) => value / (1 + Math.exp(-value)));
    expect(relativeError(y, silu)).toBeLessThan(1e-6);
    expect(copies).toBe(0);
    expect(largestBuffer).toBeLessThan(bytes / 4);
    expect(afterDestroy).toEqual(y);
  });

  it("profiles", async (context) => {
    const { timing, hasTimestamps, layers, durations, spans } = await inBrowser(context, "profile");
    expect(timing).toBe(hasTimestamps ? "timestamps" : "wall");
    expect(layers).toEqual(["heavy/fma", "light/silu"]);
    expect(durations[0]).toBeGreaterThan(durations[1]!);
    expect(spans).toBe(3 * 2);
  });

  it("computes on a software adapter, and the page has nothing to complain of", async (context) => {
    expect(await inBrowser(context, "adapter")).toBe("swiftshader");
    expect(complaints).toEqual([]);
  });
});
