// Bundles the program into dist/: belay.cjs, which knows the version and nothing else, and program.cjs, all the rest. Two
// files, because reading and compiling the large one costs more than all else that `belay --version` does.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/** What main.ts imports stays outside, and is found beside it under its built name. */
const programOutside = {
  name: "program-outside",
  setup(setup) {
    setup.onResolve({ filter: /^\.\/command-line\.js$/ }, () => ({ path: "./program.cjs", external: true }));
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
  };
  await build({
    ...options,
    entryPoints: ["src/main.ts"],
    outfile: "dist/belay.cjs",
    define: { BELAY_VERSION: JSON.stringify(version) },
    banner: { js: "#!/usr/bin/env node" },
    plugins: [programOutside],
    // `require` instead: a dynamic import of a CommonJS file would start the loader of ES modules as well.
    supported: { "dynamic-import": false },
  });
  const { metafile } = await build({
    ...options,
    entryPoints: ["src/command-line.ts"],
    outfile: "dist/program.cjs",
    metafile: true,
  });
  writeFileSync("dist/meta.json", JSON.stringify(metafile));
  return metafile;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildProgram();
