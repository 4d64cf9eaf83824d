import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { changeTrust, judgeProject, readTrust, recordOf } from "../../src/config/index.js";
import { apart, loaded, refused } from "./place.js";
import { drop, makeProject, states, trustAll } from "./trust-place.js";

const LOAD = "room.loadConfig({ env: { BELAY_HOME: home }, cwd, overrides: [], flags: {} })";

test("a file or folder that was swapped for a link out of the project is not even read", async (t) => {
  const place = makeProject(t);
  const text = 'model = "theirs"\n';
  const outside = place.write("outside/config.toml", text);
  const file = place.write("work/.belay/config.toml", text);
  trustAll(place);
  rmSync(file);
  symlinkSync(outside, file);
  assert.deepEqual(states(place), { work: "unreadable" });
  const config = await loaded(place);
  assert.equal(config.model, "gpt-6.1-sol");
  assert.deepEqual(config.warnings, [
    `the settings in ${place.cwd} are ignored, as not all can be read: ${file}: links to a file outside of the project`,
  ]);
  drop(place, "work/.belay");
  symlinkSync(join(place.top, "outside"), join(place.cwd, ".belay"));
  assert.deepEqual(states(place), { work: "unreadable" });
  // Within the project a link leads to what was trusted, or to something else: its text tells.
  rmSync(join(place.cwd, ".belay"));
  place.write("work/shared/config.toml", text);
  symlinkSync("shared", join(place.cwd, ".belay"));
  assert.deepEqual(states(place), { work: "trusted" });
  place.write("work/shared/config.toml", 'model = "other"\n');
  assert.deepEqual(states(place), { work: "changed" });
});

test("FIFOs, devices, loops, folders, huge files, files that are no text: nothing waits, and nothing counts", (t) => {
  const place = makeProject(t);
  const path = place.write("work/.belay/config.toml", 'model = "theirs"\n');
  place.write("work/.belay/rules.toml", "x = 1\n");
  trustAll(place);
  const put: readonly (readonly [() => void, string])[] = [
    [() => assert.equal(spawnSync("mkfifo", [path]).status, 0), "is not a regular file"],
    [() => symlinkSync("/dev/zero", path), "is not a regular file"],
    [() => symlinkSync(path, path), "is a loop of symbolic links"],
    [() => mkdirSync(path), "is a folder"],
    [() => writeFileSync(path, "#".repeat(256 * 1024 + 1)), "is larger than 262144 bytes"],
    [() => writeFileSync(path, Buffer.from([0x23, 0xff])), "is not UTF-8 text"],
  ];
  for (const [swap, why] of put) {
    rmSync(path, { recursive: true });
    swap();
    const { config } = apart(place, LOAD) as { config: { model: string; projectFiles: unknown[]; warnings: string[] } };
    assert.deepEqual([config.model, config.projectFiles], ["gpt-6.1-sol", []]);
    assert.deepEqual(config.warnings, [
      `the settings in ${place.cwd} are ignored, as not all can be read: .belay/rules.toml, ${path}: ${why}`,
    ]);
  }
});

test("names count in one spelling", (t) => {
  const place = makeProject(t);
  place.write("work/.BELAY/config.toml", 'model = "theirs"\n');
  place.write("work/.codex/CONFIG.toml", 'model = "theirs"\n');
  place.write("work/.belay /config.toml", 'model = "theirs"\n');
  place.write("work/.belay\u200b/config.toml", 'model = "theirs"\n');
  // Where the disk makes no difference, it is the same file, and asks like it.
  const same = existsSync(join(place.cwd, ".belay"));
  assert.deepEqual(states(place), same ? { work: "new" } : {});
});

test("trust stays with the folder: not with its copy, its worktree, or another name for it", (t) => {
  const place = makeProject(t);
  drop(place, "work/.git");
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=T", "-c", "user.email=t@example.com", ...args], {
      cwd: place.cwd,
      stdio: "pipe",
    });
  git("init", "--quiet", "--initial-branch=main");
  place.write("work/.belay/config.toml", 'model = "theirs"\n');
  git("add", "-A");
  git("commit", "--quiet", "--no-verify", "-m", "one");
  trustAll(place);
  git("worktree", "add", "--quiet", join(place.top, "tree"));
  assert.deepEqual(states(place, join(place.top, "tree")), { tree: "new" });
  cpSync(place.cwd, join(place.top, "copy"), { recursive: true });
  assert.deepEqual(states(place, join(place.top, "copy")), { copy: "new" });
  // A link to the folder is the folder.
  symlinkSync("work", join(place.top, "link"));
  assert.deepEqual(states(place, join(place.top, "link")), { link: "trusted" });
  renameSync(place.cwd, join(place.top, "moved"));
  assert.deepEqual(states(place, join(place.top, "moved")), { moved: "new" });
  renameSync(join(place.top, "copy"), place.cwd);
  assert.deepEqual(states(place), { work: "trusted" });
});

test("what is trusted is what was shown, whatever has been written since", (t) => {
  const place = makeProject(t);
  place.write("work/.belay/config.toml", 'model = "shown"\n');
  const { folders } = judgeProject({ env: {}, home: place.home, cwd: place.cwd });
  place.write("work/.belay/config.toml", 'approval_policy = "never"\n');
  assert.equal(
    changeTrust(place.home, new Map(folders.map(({ key, files }) => [key, recordOf(files, 0)])), "x"),
    undefined,
  );
  assert.deepEqual(states(place), { work: "changed" });
  place.write("work/.belay/config.toml", 'model = "shown"\n');
  assert.deepEqual(states(place), { work: "trusted" });
});

test("a file that changes all the time counts as trusted, or not at all", async (t) => {
  const place = makeProject(t);
  const path = place.write("work/.belay/config.toml", 'model = "good"\n');
  trustAll(place);
  const flip = `const fs = require("node:fs");
    const texts = ['model = "evil"\\n', 'model = "good"\\n'];
    console.log("on");
    for (let n = 0; ; n += 1) { fs.writeFileSync(process.argv[1] + ".x", texts[n % 2]); fs.renameSync(process.argv[1] + ".x", process.argv[1]); }`;
  const child = spawn(process.execPath, ["-e", flip, path], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    for (let round = 0; round < 200; round += 1) {
      const config = await loaded(place);
      assert.equal(config.model, config.warnings.length === 0 ? "good" : "gpt-6.1-sol");
    }
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
  }
});

test("the store: for the user's eyes, written at once or not at all, and never guessed at", async (t) => {
  const place = makeProject(t);
  place.write("work/.belay/config.toml", 'model = "theirs"\n');
  rmSync(place.home, { recursive: true });
  trustAll(place);
  const path = join(place.home, "trust.json");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(place.home), ["trust.json"]);
  const good = readFileSync(path, "utf8");
  const bad: readonly (readonly [string, RegExp])[] = [
    ["", /is not JSON; move it away/],
    ["{", /is not JSON/],
    ["[]", /is not in the form/],
    ['{"version":2,"folders":{}}', /is not in the form/],
    ['{"version":1,"folders":{"work":{"trustedAt":"","sha256":"","files":{}}}}', /is not in the form/],
    [good.replace(/"sha256": "[^"]*"/, '"sha256": 5'), /is not in the form/],
    [`{"version":1,"folders":{}}${" ".repeat(16 * 1024 * 1024)}`, /is larger than 16777216 bytes/],
  ];
  for (const [text, why] of bad) {
    writeFileSync(path, text);
    const config = await loaded(place);
    assert.equal(config.model, "gpt-6.1-sol");
    assert.equal(config.warnings.length, 2);
    assert.match(config.warnings[1]!, why);
    // What can't be read is not written over either.
    assert.match(changeTrust(place.home, new Map(), "x")!, why);
    assert.equal(readFileSync(path, "utf8"), text);
  }
  writeFileSync(path, good);
  assert.equal((await loaded(place)).model, "theirs");
});

test("the store is bounded, and a home that can't be written is told", (t) => {
  const place = makeProject(t);
  const record = recordOf([{ name: ".belay/rules.toml", path: "", text: "x" }], 0);
  const many = new Map(Array.from({ length: 1000 }, (_, n) => [`/p/${n}`, record]));
  assert.equal(changeTrust(place.home, many, "x"), undefined);
  assert.match(
    changeTrust(place.home, new Map([["/q", record]]), "x")!,
    /holds 1000 folders; belay trust --remove DIR/,
  );
  assert.equal(
    changeTrust(
      place.home,
      new Map([
        ["/q", record],
        ["/p/7", undefined],
      ]),
      "x",
    ),
    undefined,
  );
  const large = recordOf([{ name: ".belay/rules.toml", path: "", text: "x".repeat(16 * 1024 * 1024) }], 0);
  assert.match(
    changeTrust(
      place.home,
      new Map([
        ["/p/7", large],
        ["/q", undefined],
      ]),
      "x",
    )!,
    /would pass 16777216 bytes/,
  );
  const stored = readTrust(place.home);
  assert.ok(stored.ok && stored.records.size === 1000 && stored.records.has("/q"));
  // A leftover of the same name is nobody's to write into.
  symlinkSync(join(place.top, "victim"), join(place.home, "trust.json.y.tmp"));
  assert.match(changeTrust(place.home, new Map(), "y")!, /can't be written: EEXIST/);
  assert.ok(!existsSync(join(place.top, "victim")) && lstatSync(join(place.home, "trust.json.y.tmp")).isSymbolicLink());
  const file = place.write("file", "");
  assert.match(changeTrust(file, new Map(), "x")!, /a part of its path is not a folder|ENOTDIR|EEXIST/);
});

test("what may not be read is said, not passed over", (t) => {
  const place = makeProject(t);
  const path = place.write("work/.belay/config.toml", 'model = "theirs"\n');
  chmodSync(path, 0);
  chmodSync(place.top, 0o755);
  // Root may read everything: the process becomes nobody, once the room is loaded.
  const { config } = apart(place, `(process.getuid() === 0 && process.seteuid(65534), ${LOAD})`) as {
    config: { warnings: string[] };
  };
  assert.deepEqual(config.warnings, [
    `the settings in ${place.cwd} are ignored, as not all can be read: ${path}: permission denied`,
  ]);
});

test("a store of what was trusted does not hide a mistake of the user's own", async (t) => {
  const place = makeProject(t);
  place.write("work/.belay/config.toml", 'model = "theirs"\n');
  trustAll(place);
  place.write("home/config.toml", 'approval_policy = "bogus"\n');
  assert.match(await refused(place), /approval_policy/);
});
