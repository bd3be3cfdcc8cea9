import { expect, test } from "vitest";
import { flameTree, type FlameNode } from "../../src/report/profileFlame.ts";
import { renderProfile } from "../../src/report/profilePage.ts";
import {
  formatNs,
  formatRate,
  formatShare,
  groupLines,
  memoryLines,
  timeLines,
} from "../../src/report/profileTable.ts";
import { roofline, sampleProfile } from "./profileSample.ts";

const page = () => renderProfile({ title: "step <1> & more", profile: sampleProfile(), roofline });

test("the flame nests phases, parts of layers and kernels, and every level adds up", () => {
  const root = flameTree(sampleProfile(), roofline);
  expect(root.ns).toBe(33_000);
  expect([...root.children.keys()]).toEqual(["forward", "backward"]);
  const conv = root.children.get("forward")!.children.get("net")!.children.get("down")!.children.get("conv")!;
  expect(conv).toMatchObject({ ns: 13_000, calls: 2, path: "forward/net/down/conv", depth: 4, bytes: 9000 });
  expect([...conv.children.keys()]).toEqual(["conv3d", "copy"]);
  const check = (node: FlameNode): void => {
    const children = [...node.children.values()];
    if (children.length > 0) expect(children.reduce((sum, child) => sum + child.ns, 0)).toBe(node.ns);
    children.forEach(check);
  };
  check(root);
});

test("the page stands alone, and all texts in it are escaped", () => {
  const html = page();
  expect(html).toContain("default-src 'none'");
  expect(html).not.toMatch(/(src|href)=/);
  expect(html).not.toContain("://");
  expect(html).toContain("step &lt;1&gt; &amp; more");
  expect(html).toContain("an adapter &amp; its driver");
  expect(html).not.toContain("<gradInput>");
  expect(html).not.toContain("NaN");
  expect(html).not.toContain("undefined");
  expect(html).not.toContain("Infinity");
});

test("the roofline has a point for each dispatch with arithmetic, the memory map a rectangle for each tensor", () => {
  const html = page();
  expect(html.match(/<circle /g)).toHaveLength(2);
  expect(html).toContain("1 dispatch without arithmetic");
  expect(html.match(/<g class="tensors">.*?<\/g>/s)![0].match(/<rect /g)).toHaveLength(3);
  // Arenas lie on top of one another: the third tensor begins where the first arena ends, at 1,024 of 1,280 bytes.
  const boxes = [
    ...html.match(/<g class="tensors">.*?<\/g>/s)![0].matchAll(/y="([\d.]+)" width="[\d.]+" height="([\d.]+)"/g),
  ];
  const [first, , third] = boxes.map(([, y, height]) => ({ top: Number(y), bottom: Number(y) + Number(height) }));
  expect(first!.bottom).toBeCloseTo(522, 1);
  expect(third!.top).toBeCloseTo(142, 1);
  expect(third!.bottom).toBeCloseTo(142 + (380 * 256) / 1280, 1);
});

test("a plan without dispatches, arithmetic or memory gives a page too", () => {
  const sample = sampleProfile();
  const memory = {
    ...sample.memory,
    tensors: [],
    arenas: [],
    liveBytes: [],
    commands: [],
    peak: { command: 0, bytes: 0, tensors: [] },
    lowerBound: 0,
  };
  const replays = {
    ...sample.replays,
    profiled: sample.replays.profiled.map((times) => ({ ...times, begins: [], durations: [] })),
  };
  const empty = { ...sample, dispatches: [], memory, replays, gpu: { spanNs: 0, busyNs: 0 } };
  const html = renderProfile({ title: "empty", profile: empty, roofline });
  expect(html).toContain("no dispatches");
  expect(html).not.toContain("NaN");
  expect(
    [...timeLines(empty), ...memoryLines(empty), ...groupLines(empty, "phase", 5, roofline)].join("\n"),
  ).not.toContain("NaN");
});

test("terminal tables are sorted by time, aligned, and sum up what they leave out", () => {
  const lines = groupLines(sampleProfile(), "label", 2, roofline);
  expect(lines).toHaveLength(4);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[1]).toMatch(/^net\/up\/conv <gradInput> +1 +20\.0 us +60\.6 % +1\.50 +0\.20 +15\.0 %$/);
  expect(lines[2]).toMatch(/^net\/down\/conv +1 +8\.00 us +24\.2 % +2\.00 +0\.50 +20\.0 %$/);
  expect(lines[3]).toMatch(/^1 other +1 +5\.00 us +15\.2 % +– +1\.00 +20\.0 %$/);
  expect(groupLines(sampleProfile(), "shader", 9)).toHaveLength(3);
});

test("what is said of time and memory is in the data", () => {
  const times = timeLines(sampleProfile()).join("\n");
  expect(times).toContain("an empty one takes 300 ns");
  expect(times).toContain(
    "gaps        2.00 us between dispatches (5.9 %), the longest of 2.00 us before net/down/conv copy",
  );
  expect(times).toContain("114 us wall time instead of 95.0 us: +20.0 %; ordinary replays took 95.0 us to 95.0 us");
  expect(timeLines({ ...sampleProfile(), timing: "wall" }).join("\n")).toContain("no timestamps here");
  const memory = memoryLines(sampleProfile()).join("\n");
  expect(memory).toContain("1.25 KiB planned (1.250 of the lower bound), and 2.00 KiB of parameters");
  expect(memory).toContain("1.00 KiB alive at command 2 of 3: net/down/conv copy");
  // Both tensors of the peak are used by the second command last, in the forward phase.
  expect(memory).toContain("why         1.00 KiB last used in forward");
  expect(memory).toMatch(/512 B {2}a \[128\], from command 1 to 2/);
});

test("numbers read well", () => {
  expect([0, 830, 999.6, 12_400, 3.214e6, 99.96e6, 1.24e9].map(formatNs)).toEqual([
    "0 ns",
    "830 ns",
    "1.00 us",
    "12.4 us",
    "3.21 ms",
    "100 ms",
    "1.24 s",
  ]);
  expect([formatShare(0.1234), formatShare(NaN), formatShare(undefined)]).toEqual(["12.3 %", "–", "–"]);
  expect([
    formatRate(5, 1),
    formatRate(50, 1),
    formatRate(5000, 1),
    formatRate(1, 1e6),
    formatRate(0, 1),
    formatRate(1, 0),
  ]).toEqual(["5.00", "50.0", "5,000", "<0.01", "–", "–"]);
});
