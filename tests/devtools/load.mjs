// Loads heap snapshots with the loader of Chrome's DevTools, and writes what it makes of them as JSON.
//
//     node load.mjs FILE...
//
// For each file, in a list: `nodes`, by node [id, type, name, self size, retained size, distance, id of the
// dominator, trace]; `classes`, as the Summary shows them {name: [count, self, retained]}; `stacks`, by trace the frames
// [function, file, line] from the innermost; with a second file `diff`, as the Comparison shows it, of the file before and
// this one: {class: [new, gone, bytes new, bytes gone]}.
//
// The loader is bundled into loader.mjs beside this file at the first call.
import { createReadStream, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const bundle = join(here, "loader.mjs");

// Newer than Node 20.
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
};

// DevTools generates this file when it is built.
const locales = {
  name: "locales",
  setup(build) {
    build.onResolve({ filter: /\/locales\.js$/ }, ({ path }) => ({ path, namespace: "made" }));
    build.onLoad({ filter: /./, namespace: "made" }, () => ({
      contents: `export const LOCALES = ["en-US"], BUNDLED_LOCALES = ["en-US"], DEFAULT_LOCALE = "en-US",
        REMOTE_FETCH_PATTERN = "", LOCAL_FETCH_PATTERN = "";`,
    }));
  },
};

if (!existsSync(bundle)) {
  const { build } = await import("esbuild");
  await build({
    entryPoints: [join(here, "entry.ts")],
    outfile: bundle,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "error",
    plugins: [locales],
  });
}
const { HeapSnapshotLoader, SecondaryInitManager, NodeFilter } = await import(bundle);

async function load(path) {
  const said = [];
  const loader = new HeapSnapshotLoader({ sendEvent: (name, data) => said.push([name, data]) });
  for await (const chunk of createReadStream(path, { encoding: "utf8", highWaterMark: 1 << 20 })) loader.write(chunk);
  loader.close();
  const { port1, port2 } = new MessageChannel();
  new SecondaryInitManager(port2);
  const snapshot = await loader.buildSnapshot(port1);
  port1.close();
  port2.close();
  return snapshot;
}

function describe(snapshot) {
  const nodes = [];
  const stacks = {};
  const node = snapshot.rootNode();
  for (let index = 0; index < snapshot.nodes.length; index += snapshot.nodeFieldCount) {
    node.nodeIndex = index;
    const trace = node.traceNodeId();
    const dominator = snapshot.createNode(snapshot.dominatorsTree[index / snapshot.nodeFieldCount] * snapshot.nodeFieldCount);
    nodes.push([node.id(), node.type(), node.name(), node.selfSize(), node.retainedSize(), node.distance(), dominator.id(), trace]);
    if (trace && !(trace in stacks))
      stacks[trace] = snapshot.allocationStack(index).map((f) => [f.functionName, f.scriptName, f.line]);
  }
  const classes = {};
  for (const { name, count, self, maxRet } of Object.values(snapshot.aggregatesWithFilter(new NodeFilter()))) classes[name] = [count, self, maxRet];
  return { nodes, stacks, classes };
}

const told = [];
let before;
for (const path of process.argv.slice(2)) {
  const snapshot = await load(path);
  const facts = describe(snapshot);
  if (before) {
    facts.diff = {};
    const changes = snapshot.calculateSnapshotDiff("before", before.aggregatesForDiff(snapshot.interfaceDefinitions()));
    for (const { name, addedCount, removedCount, addedSize, removedSize } of Object.values(changes))
      facts.diff[name] = [addedCount, removedCount, addedSize, removedSize];
  }
  before = snapshot;
  told.push(facts);
}
process.stdout.write(JSON.stringify(told));
