import type { Browser, Page as Tab } from "playwright-core";
import { afterAll, beforeAll, expect, it, type TestContext } from "vitest";
import { renderProfile } from "../../src/report/profilePage.ts";
import { roofline, sampleProfile } from "../report/profileSample.ts";
import { startChromium } from "./chromium.ts";

let browser: Browser | undefined;
let missing = "";
let tab: Tab;
const complaints: string[] = [];

beforeAll(async () => {
  const started = await startChromium();
  if ("missing" in started) {
    missing = started.missing;
    return;
  }
  browser = started.browser;
  tab = await browser.newPage();
  tab.on("console", (message) => complaints.push(message.text()));
  tab.on("pageerror", (error) => complaints.push(String(error)));
  await tab.setContent(renderProfile({ title: "step", profile: sampleProfile(), roofline }));
});
afterAll(() => browser?.close());

function needsBrowser(context: TestContext): void {
  if (!browser) context.skip(`no Chromium: ${missing}`);
}

it("names what the pointer is on", async (context) => {
  needsBrowser(context);
  await tab.locator(".points circle.backward").hover();
  expect(await tab.locator(".tip b").textContent()).toBe("net/up/conv <gradInput>");
  expect(await tab.locator(".tip").textContent()).toContain("15.0 % of the roofline");
  await tab.locator(".tensors rect").nth(2).hover();
  expect(await tab.locator(".tip").textContent()).toContain("c & d [64]256 B at offset 0 B of arena 1");
  await tab.locator("h1").hover();
  expect(await tab.locator(".tip").count()).toBe(0);
});

it("looks closer at a bar that is clicked, and back", async (context) => {
  needsBrowser(context);
  const flame = (await tab.locator(".flame").boundingBox())!;
  const forward = tab.locator(".bar.forward").first();
  expect((await forward.boundingBox())!.width / flame.width).toBeCloseTo(13 / 33, 2);
  await forward.click();
  expect((await forward.boundingBox())!.width / flame.width).toBeCloseTo(1, 2);
  expect(await tab.locator(".bar.backward").first().isVisible()).toBe(false);
  await tab.locator(".bar.whole").click();
  expect((await forward.boundingBox())!.width / flame.width).toBeCloseTo(13 / 33, 2);
});

it("breaks no rule of its own policy, and throws nothing", async (context) => {
  needsBrowser(context);
  expect(complaints).toEqual([]);
});
