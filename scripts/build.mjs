// Bundles the program into dist/belay.cjs: one file, nothing to install beside it.
import { mkdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/** Builds dist/belay.cjs; the metafile it returns says what is in it. */
export async function buildProgram() {
  mkdirSync("dist", { recursive: true });
  const { metafile } = await build({
    entryPoints: ["src/main.ts"],
    outfile: "dist/belay.cjs",
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    minify: true,
    keepNames: false,
    metafile: true,
    legalComments: "none",
    banner: { js: "#!/usr/bin/env node" },
    logLevel: "warning",
  });
  writeFileSync("dist/meta.json", JSON.stringify(metafile));
  return metafile;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildProgram();
