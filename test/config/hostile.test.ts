import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { apart, loaded, makePlace, refused } from "./place.js";

const LOAD = "room.loadConfig({ env: { BELAY_HOME: home }, cwd, overrides: [], flags: {} })";
const DOCS = "room.readProjectDocs({ home, cwd, maxBytes: 100 })";

test("a FIFO is never waited for", (t) => {
  const place = makePlace(t);
  const fifos = [join(place.home, "config.toml"), join(place.home, "AGENTS.md"), join(place.cwd, "AGENTS.override.md")];
  assert.equal(spawnSync("mkfifo", fifos).status, 0);
  const path = place.write("work/AGENTS.md", "here");
  assert.deepEqual(apart(place, LOAD), { ok: false, message: `${fifos[0]}: is not a regular file` });
  assert.deepEqual(apart(place, DOCS), {
    parts: [{ path, text: "here" }],
    cut: false,
    warnings: [fifos[1], fifos[2]].map((fifo) => `${fifo}: is not a regular file; it was passed over`),
  });
});

test("devices, folders, loops and dead links are passed over, or (config.toml) refused", (t) => {
  const place = makePlace(t);
  const target = join(place.cwd, "AGENTS.md");
  const toml = join(place.home, "config.toml");
  const make: readonly (readonly [(path: string) => void, string])[] = [
    [(path) => symlinkSync("/dev/zero", path), "is not a regular file"],
    [(path) => mkdirSync(path), "is a folder"],
    [(path) => symlinkSync(path, path), "is a loop of symbolic links"],
    [(path) => symlinkSync("gone", path), "links to nothing"],
  ];
  for (const [put, why] of make) {
    put(target);
    put(toml);
    const docs = apart(place, DOCS);
    assert.deepEqual(docs, { parts: [], cut: false, warnings: [`${target}: ${why}; it was passed over`] });
    assert.deepEqual(apart(place, LOAD), { ok: false, message: `${toml}: ${why}` });
    for (const path of [target, toml]) rmSync(path, { recursive: true });
  }
});

test("a socket is passed over", async (t) => {
  const place = makePlace(t);
  const path = join(place.cwd, "AGENTS.md");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => server.close());
  const docs = apart(place, DOCS) as { warnings: string[] };
  assert.deepEqual(docs.warnings, [`${path}: is not a regular file; it was passed over`]);
});

test("config.toml of 10 MB, with NUL bytes, not UTF-8, or nested without end is refused in words", async (t) => {
  const place = makePlace(t);
  const path = join(place.home, "config.toml");
  writeFileSync(path, `model = "a"\n${"# x\n".repeat(2_500_000)}`);
  assert.equal(await refused(place), `${path}: is larger than 1048576 bytes`);
  writeFileSync(path, 'model = "a\0b"\n');
  assert.match(await refused(place), new RegExp(`^${path}:1:\\d+: \\S`));
  writeFileSync(path, Buffer.from([0x61, 0x3d, 0x22, 0xff, 0x22]));
  assert.equal(await refused(place), `${path}: is not UTF-8 text`);
  writeFileSync(path, `a = ${"[".repeat(500_000)}`);
  assert.match(await refused(place), new RegExp(`^${path}:1:\\d+: \\S`));
});

test("a dotted key of many thousand parts is no more than an unknown key", async (t) => {
  const place = makePlace(t);
  place.write(
    "home/config.toml",
    `${"a.".repeat(100_000)}b = 1\nmodel = "m"\n[${"profiles.".repeat(50_000)}x]\ny = 1\n`,
  );
  assert.equal((await loaded(place)).model, "m");
});

test("a home that is a file, a path that is too long", async (t) => {
  const place = makePlace(t);
  const file = place.write("file", "");
  assert.equal(
    await refused(place, { env: { BELAY_HOME: file } }),
    `${join(file, "config.toml")}: a part of its path is not a folder`,
  );
  assert.match(await refused(place, { profile: "p".repeat(10_000) }), /too long$/);
  assert.match(await refused(place, { profile: "p\0q" }), /cannot be read/);
});

test("NUL bytes in an instruction file: it is passed over", (t) => {
  const place = makePlace(t);
  const path = place.write("work/AGENTS.md", "a\0b");
  assert.deepEqual(apart(place, DOCS), {
    parts: [],
    cut: false,
    warnings: [`${path}: holds NUL bytes; it was passed over`],
  });
});

test("what may not be read is said", (t) => {
  const place = makePlace(t);
  const toml = place.write("home/config.toml", "");
  const doc = place.write("work/AGENTS.md", "x");
  for (const path of [toml, doc]) chmodSync(path, 0);
  chmodSync(place.top, 0o755);
  // Root may read everything: the process becomes nobody, once the room is loaded.
  const asNobody = (call: string) => apart(place, `(process.getuid() === 0 && process.seteuid(65534), ${call})`);
  assert.deepEqual(asNobody(LOAD), { ok: false, message: `${toml}: permission denied` });
  assert.deepEqual(asNobody(DOCS), {
    parts: [],
    cut: false,
    warnings: [`${doc}: permission denied; it was passed over`],
  });
});
