// A peer's side of the protocol (../protocol.ts): lines of JSON on file descriptors 3 and 4.
import { writeSync } from "node:fs";
import { createRequire } from "node:module";
import { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { readTensor, writeTensor } from "./arrays.mjs";

const INSTALL =
  "Install the engines to compare with: voxtwirl bench --install-peers (npm ci --ignore-scripts in bench/peers)";

/** What an engine throws for work that it has no operation for. */
export class Unsupported extends Error {}

/**
 * Serves requests until "close" or the end of the input.
 *
 * `engine.open(adapter)` gives { version, notes }. `engine.prepare(description, inputs)` gives the case ready to run:
 * `run()` resolves when the result is there, `read()` gives the outputs by name in the files' layout, `dispose()` frees
 * it, `workarounds` names what had to be done in the engine's place. `inputs` has { shape, data } by name.
 */
export function serve(engine) {
  let loaded;
  const handlers = {
    open: ({ adapter }) => engine.open(adapter),
    load: async ({ case: description }) => {
      await unload();
      const inputs = Object.fromEntries(description.inputs.map((tensor) => [tensor.name, readTensor(tensor)]));
      const start = performance.now();
      const work = await engine.prepare(description, inputs);
      loaded = { work, description };
      const prepared = performance.now();
      await work.run();
      const firstMs = performance.now() - prepared;
      return { prepareMs: prepared - start, firstMs, workarounds: work.workarounds ?? [] };
    },
    run: async ({ count: times }) => {
      const ms = [];
      for (let i = 0; i < times; i++) {
        const start = performance.now();
        await current().work.run();
        ms.push(performance.now() - start);
      }
      return { ms };
    },
    save: async () => {
      const { work, description } = current();
      const outputs = await work.read();
      for (const tensor of description.outputs) {
        const data = outputs[tensor.name];
        if (!data) throw new Error(`no output named ${tensor.name}`);
        writeTensor(tensor, data);
      }
      return {};
    },
    close: async () => {
      await unload();
      return {};
    },
  };
  const current = () => {
    if (!loaded) throw new Error("no case is loaded");
    return loaded;
  };
  const unload = async () => {
    const work = loaded?.work;
    loaded = undefined;
    await work?.dispose?.();
  };

  let pending = false;
  const crashed = (error) => {
    if (pending) reply(failure(error));
    process.exit(1);
  };
  process.on("uncaughtException", crashed);
  process.on("unhandledRejection", crashed);

  const requests = createInterface({ input: new Socket({ fd: 3, readable: true, writable: false }) });
  let queue = Promise.resolve();
  requests.on("line", (line) => {
    queue = queue.then(async () => {
      pending = true;
      let answer;
      let request;
      try {
        request = JSON.parse(line);
        const handler = handlers[request.do];
        if (!handler) throw new Error(`no request "${request.do}"`);
        answer = { ok: true, ...(await handler(request)) };
      } catch (error) {
        if (request?.do === "load") await unload().catch(() => {});
        answer = failure(error);
      }
      pending = false;
      reply(answer);
      // Engines may keep timers or threads that would hold the process.
      if (request?.do === "close") process.exit(0);
    });
  });
  requests.on("close", () => queue.then(() => process.exit(0)));
}

/** The first lines of what an engine said; the rest is stacks and shader text. */
function failure(error) {
  const text = error instanceof Error ? error.message || error.name : String(error);
  const message = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(0, 2)
    .join(" ")
    .slice(0, 400);
  if (error?.code === "ERR_MODULE_NOT_FOUND" || error?.code === "MODULE_NOT_FOUND") {
    const name = /Cannot find (?:package|module) '([^']+)'/.exec(text)?.[1];
    return {
      ok: false,
      why: "missing",
      message: `the npm package ${name ?? "of this engine"} is not installed. ${INSTALL}`,
    };
  }
  return { ok: false, why: error instanceof Unsupported ? "unsupported" : "failed", message };
}

function reply(answer) {
  const bytes = Buffer.from(`${JSON.stringify(answer)}\n`);
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(4, bytes, written);
    } catch (error) {
      // The other end has not read yet.
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

/** The version of an installed package, from its package.json. */
export function versionOf(name) {
  const require = createRequire(import.meta.url);
  try {
    return require(`${name}/package.json`).version;
  } catch (error) {
    if (error.code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw error;
    // Packages that hide their package.json still lie where one looks first.
    return require(new URL(`node_modules/${name}/package.json`, import.meta.url).pathname).version;
  }
}

/** Throws `Unsupported` unless the operation is a key of `operations`; gives that entry. */
export function operationOf(engine, operations, description) {
  const make = operations[description.operation];
  if (!make) throw new Unsupported(`${engine} has no ${description.operation}`);
  return make;
}
