// An engine for tests of what the benchmark makes of engines: `node fakePeer.mjs HOW`. It can do convolutions of kernel
// 1, and does them right or in the way it is told.
import { readFileSync, writeFileSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { createInterface } from "node:readline";

const how = process.argv[2];
const reply = (answer) => writeSync(4, `${JSON.stringify(answer)}\n`);
let loaded;

const floats = (file) => new Float32Array(new Uint8Array(readFileSync(file)).buffer);

function compute({ inputs, outputs }) {
  const [x, weight] = ["x", "weight"].map((name) => inputs.find((input) => input.name === name));
  const [ci, co] = weight.shape.slice(3);
  const [xs, ws] = [floats(x.file), floats(weight.file)];
  const y = new Float32Array(outputs[0].shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < y.length; i++) {
    for (let c = 0; c < ci; c++) y[i] += xs[Math.floor(i / co) * ci + c] * ws[c * co + (i % co)];
  }
  if (how === "wrong") y.fill(0);
  writeFileSync(outputs[0].file, y);
}

const answers = {
  open: () => {
    console.log("a library that prints where it should not");
    if (how === "missing") return { ok: false, why: "missing", message: "the package fake is not installed" };
    return { ok: true, version: "1.2.3", notes: ["2 threads"] };
  },
  load: ({ case: description }) => {
    if (how === "dies") {
      process.stderr.write("the engine says why it dies\n", () => process.exit(3));
      return undefined;
    }
    if (how === "hangs") return undefined;
    if (how === "babbles") {
      writeSync(4, "this is no JSON\n");
      return undefined;
    }
    if (how === "refuses") return { ok: false, why: "unsupported", message: "only Conv2d is supported" };
    loaded = description;
    return { ok: true, prepareMs: 1, firstMs: 2, workarounds: ["a workaround"] };
  },
  run: ({ count }) => (how === "hangsLater" ? undefined : { ok: true, ms: new Array(count).fill(5) }),
  save: () => {
    if (how !== "writesNothing") compute(loaded);
    return { ok: true };
  },
  close: () => process.exit(0),
};

createInterface({ input: new Socket({ fd: 3, readable: true, writable: false }) })
  .on("line", (line) => {
    const request = JSON.parse(line);
    const answer = answers[request.do](request);
    if (answer) reply(answer);
  })
  .on("close", () => process.exit(0));
// What hangs does not end with its input's silence either.
if (how === "hangs" || how === "hangsLater") setInterval(() => {}, 1000);
