import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { decode } from "fast-png";
import type { Browser, Page as Tab } from "playwright-core";
import { afterAll, beforeAll, expect, it, type TestContext } from "vitest";
import { frameViewer } from "../../src/report/frameViewer.ts";
import { renderFrames } from "../../src/report/framesPage.ts";
import { frameSample, HOSTILE } from "../report/frameSample.ts";
import { temporaryFolder } from "../temporary.ts";
import { startChromium } from "./chromium.ts";

const path = join(temporaryFolder("framesPage"), "page.html");
const complaints: string[] = [];
const requests: string[] = [];
let browser: Browser | undefined;
let missing = "";
let tab: Tab;

beforeAll(async () => {
  const started = await startChromium();
  if ("missing" in started) {
    missing = started.missing;
    return;
  }
  browser = started.browser;
  tab = await browser.newPage({ viewport: { width: 360, height: 800 } });
  // What the driver says of reading pixels back is no complaint.
  tab.on("console", (message) => {
    if (!/GL Driver Message/.test(message.text())) complaints.push(message.text());
  });
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("request", (request) => void requests.push(request.url()));
  const measurement = await frameSample({ vectors: [HOSTILE] });
  const viewer = await frameViewer();
  writeFileSync(path, renderFrames({ title: HOSTILE, measurement, facts: [[HOSTILE, HOSTILE]], viewer }));
  await tab.goto(pathToFileURL(path).href);
});
afterAll(() => browser?.close());

function needsBrowser(context: TestContext): void {
  if (!browser) context.skip(`no Chromium: ${missing}`);
}

it("turns the structure by keys, buttons and pointer, and puts it back", async (context) => {
  needsBrowser(context);
  const stage = tab.locator(".molecule.turnable .stage");
  await stage.scrollIntoViewIfNeeded();
  const name = stage.locator("span").last();
  const place = () => name.evaluate((one) => (one as HTMLElement).style.transform);
  await expect.poll(place).not.toBe("");
  const first = await place();
  const changes = async (act: () => Promise<void>) => {
    const before = await place();
    await act();
    await expect.poll(place).not.toBe(before);
  };
  await changes(() => stage.press("ArrowLeft"));
  await changes(() => tab.getByRole("button", { name: "larger" }).click());
  const box = (await stage.boundingBox())!;
  await changes(async () => {
    await tab.mouse.move(box.x + 100, box.y + 100);
    await tab.mouse.down();
    await tab.mouse.move(box.x + 140, box.y + 130);
    await tab.mouse.up();
  });
  await stage.press("Home");
  await expect.poll(place).toBe(first);
  // Arrows are orange, and nothing else is.
  const { data, channels } = decode(await stage.screenshot());
  const orange = Array.from(
    { length: data.length / channels },
    (_, i) => data[channels * i]! - data[channels * i + 2]!,
  );
  expect(orange.filter((more) => more > 100).length).toBeGreaterThan(50);
});

it("is no wider than a narrow screen, loads nothing, and breaks no rule of its own policy", async (context) => {
  needsBrowser(context);
  const width = await tab.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBe(360);
  expect(requests).toEqual([pathToFileURL(path).href]);
  expect(complaints).toEqual([]);
  expect(await tab.title()).toBe(HOSTILE);
});
