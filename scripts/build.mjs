// Bundles the program into dist/: belay.cjs, which knows the version and nothing else, and program.cjs, all the rest. Two
// files, because reading and compiling the large one costs more than all else that `belay --version` does.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/** What main.ts imports stays outside, and is found beside it under its built name. */
const programOutside = {
  name: "program-outside",
  setup(setup) {
    setup.onResolve({ filter: /^\.\/command-line\.js$/ }, () => ({ path: "./program.cjs", external: true }));
  },
};

/** Modules of Node's own that take milliseconds to load and that a run may never use, although what it loads imports them. */
const LATE = ["node:child_process", "node:crypto", "node:fs/promises"];

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

/** Builds dist/belay.cjs and dist/program.cjs; the metafile it returns says what is in the latter. */
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
    plugins: [programOutside],
  });
  chmodSync("dist/belay.cjs", 0o755);
  const { metafile } = await build({
    ...options,
    entryPoints: ["src/command-line.ts"],
    outfile: "dist/program.cjs",
    metafile: true,
    plugins: [lateBuiltins],
  });
  writeFileSync("dist/meta.json", JSON.stringify(metafile));
  return metafile;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildProgram();
