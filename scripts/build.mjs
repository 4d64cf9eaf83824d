// Bundles the program into dist/: belay.cjs, which knows the version and nothing else, apply-patch.cjs, that command alone, and
// program.cjs, everything. Reading and compiling the large file costs more than all else that the other two do. Beside them
// the parser of shell scripts, which most runs don't need: web-tree-sitter.cjs and two files of WebAssembly.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { buildSchemas } from "./schemas.mjs";

/** The parts that main.ts loads, by their built names. */
const PARTS = { "./command-line.js": "program.cjs", "./patch-line.js": "apply-patch.cjs" };

/** What main.ts imports stays outside, and is loaded from beside it under its built name. */
const partsOutside = {
  name: "parts-outside",
  setup(setup) {
    setup.onResolve({ filter: /^\.\// }, ({ path }) =>
      PARTS[path] === undefined ? undefined : { path: PARTS[path], namespace: "part" },
    );
    setup.onLoad({ filter: /.*/, namespace: "part" }, ({ path }) => ({
      contents: `module.exports=require("./compiled-code.ts").loadPart(__dirname+"/${path}",require)`,
      resolveDir: "src",
    }));
  },
};

/** Copied as they are, and part of what is shipped. */
const WASM = [
  "node_modules/web-tree-sitter/web-tree-sitter.wasm",
  "node_modules/tree-sitter-bash/tree-sitter-bash.wasm",
];

/** What the source is told of where it runs: its files lie in the folder of the built one. */
const BUILT = { BELAY_FOLDER: "__dirname", "import.meta.resolve": "require.resolve" };

/** The parser is a file of its own too: a run that parses nothing does not read it. */
const parserOutside = {
  name: "parser-outside",
  setup(setup) {
    setup.onResolve({ filter: /^web-tree-sitter$/ }, () => ({ path: "./web-tree-sitter.cjs", external: true }));
  },
};

/** Modules of Node's own that take milliseconds to load and that a run may never use, although what it loads imports them. */
const LATE = ["node:child_process", "node:crypto", "node:fs/promises", "node:os"];

/** Loads them at the first use of something they export, not where they are imported. */
const lateBuiltins = {
  name: "late-builtins",
  setup(setup) {
    setup.onResolve({ filter: /^node:/ }, ({ path, namespace }) =>
      LATE.includes(path) && namespace !== "late" ? { path, namespace: "late" } : undefined,
    );
    setup.onLoad({ filter: /.*/, namespace: "late" }, ({ path }) => {
      const getters = Object.keys(process.getBuiltinModule(path)).map((name) => `get ${name}(){return load().${name}}`);
      return { contents: `const load=()=>require("${path}");module.exports={${getters.join(",")}};` };
    });
  },
};

/** Builds one room as a file of its own, for measurements; the parser's files lie beside it. */
export async function buildRoom(room, folder) {
  mkdirSync(folder, { recursive: true });
  for (const file of [...WASM, "node_modules/web-tree-sitter/web-tree-sitter.cjs"])
    copyFileSync(file, `${folder}/${basename(file)}`);
  await build({
    ...{
      entryPoints: [`src/${room}/index.ts`],
      outfile: `${folder}/${room}.cjs`,
      define: BUILT,
      plugins: [parserOutside],
    },
    ...{ bundle: true, format: "cjs", platform: "node", target: "node20", supported: { "dynamic-import": false } },
  });
}

/**
 * Builds all of dist/; the metafile it returns says which files of packages are in it (apply-patch.cjs holds none that
 * program.cjs does not).
 */
export async function buildProgram() {
  mkdirSync("dist", { recursive: true });
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  const options = {
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    minify: true,
    keepNames: false,
    legalComments: "none",
    logLevel: "warning",
    // `require` instead: a dynamic import starts the loader of ES modules, which for a module of Node's own reads all that
    // it exports; of node:http that is the whole of fetch, a third of the time that a short turn takes.
    supported: { "dynamic-import": false },
  };
  await build({
    ...options,
    entryPoints: ["src/main.ts"],
    outfile: "dist/belay.cjs",
    define: { BELAY_VERSION: JSON.stringify(version) },
    banner: { js: "#!/usr/bin/env node" },
    plugins: [partsOutside],
  });
  chmodSync("dist/belay.cjs", 0o755);
  await build({
    ...options,
    entryPoints: ["src/patch-line.ts"],
    outfile: "dist/apply-patch.cjs",
    plugins: [lateBuiltins],
  });
  const { metafile } = await build({
    ...options,
    entryPoints: ["src/command-line.ts"],
    outfile: "dist/program.cjs",
    define: BUILT,
    metafile: true,
    plugins: [parserOutside, lateBuiltins],
  });
  const parser = await build({
    ...options,
    entryPoints: ["node_modules/web-tree-sitter/web-tree-sitter.cjs"],
    outfile: "dist/web-tree-sitter.cjs",
    metafile: true,
  });
  for (const file of WASM) copyFileSync(file, `dist/${basename(file)}`);
  const copied = Object.fromEntries(WASM.map((file) => [file, {}]));
  const all = { ...metafile, inputs: { ...metafile.inputs, ...parser.metafile.inputs, ...copied } };
  writeFileSync("dist/meta.json", JSON.stringify(all));
  await buildSchemas();
  return all;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildProgram();
