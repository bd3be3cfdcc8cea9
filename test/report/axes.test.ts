import { expect, test } from "vitest";
import { bottomAxis, leftAxis } from "../../src/report/axes.ts";
import { linearScale } from "../../src/report/scale.ts";

const plot = { left: 80, right: 480, top: 10, bottom: 210 };
const ticks = [{ value: 0, label: "0" }, { value: 1 }, { value: 2, label: "<2>" }];

test("the axis at the left draws a line a tick across the plot, and words where the tick has some", () => {
  const svg = leftAxis(plot, { scale: linearScale([0, 4], [210, 10]), ticks, name: "a & b" });
  const lines = [...svg.matchAll(/<path class="(.*?)" d="(.*?)"\/>/g)].map((match) => match.slice(1));
  expect(lines).toEqual([
    ["grid", "M80 210H480"],
    ["grid minor", "M80 160H480"],
    ["grid", "M80 110H480"],
  ]);
  expect(svg.match(/<text x="71"/g)).toHaveLength(2);
  expect(svg).toContain('<text x="71" y="114" text-anchor="end">&lt;2&gt;</text>');
  expect(svg).toContain('<text transform="translate(14 110) rotate(-90)" text-anchor="middle">a &amp; b</text>');
});

test("the axis below has short marks, or lines through the plot", () => {
  const axis = { scale: linearScale([0, 4], [80, 480]), ticks, name: "step" };
  const marks = bottomAxis(plot, axis);
  expect(marks.match(/<path class="tick" d="M\d+ 210v5"\/>/g)).toHaveLength(3);
  expect(marks).toContain('<path class="axis" d="M80 210H480"/>');
  expect(marks).toContain('<text x="280" y="230" text-anchor="middle">&lt;2&gt;</text>');
  expect(marks).toContain('<text x="280" y="252" text-anchor="middle">step</text>');
  const grid = bottomAxis(plot, axis, { grid: true });
  expect(grid).toContain('<path class="grid minor" d="M180 10V210"/>');
  expect(grid).not.toContain("tick");
});
