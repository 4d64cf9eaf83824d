import { build } from "esbuild"; import { readdirSync, existsSync, writeFileSync, rmSync } from "node:fs"; import { join } from "node:path"; import { spawnSync } from "node:child_process";
const src = d => readdirSync(d,{recursive:true}).map(n=>join(d,n)).filter(n=>n.endsWith(".ts"));
const files=[...src("src"),...src("test")]; const out=".build-me";
rmSync(out,{recursive:true,force:true});
await build({entryPoints:files,outdir:out,outbase:".",format:"esm",platform:"node",target:"node20",sourcemap:"inline",logLevel:"error"});
if(!existsSync("src/patch/index.ts")) writeFileSync(out+"/src/patch/index.js","const no=()=>({ok:false,message:'no patch room yet'});export {no as applyPlan,no as insideRoots,no as parsePatch,no as planPatch}");
const words=process.argv.slice(2);
const tests=files.filter(n=>n.endsWith(".test.ts")&&words.some(w=>n.includes(w))).map(n=>join(out,n.replace(/\.ts$/,".js")));
spawnSync(process.execPath,["--enable-source-maps","--test","--test-timeout=60000","--test-reporter=spec",...tests],{stdio:"inherit"});
