import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_BUDGET } from "../../src/checkpoint/index.js";
import { git, openPlace } from "./place.js";
import { snapshot } from "./snapshot.js";

const FILES = 40;
/** Older than git's seconds can confuse. */
const OLD_MS = 3_100;

/** How many single looks at files `work` takes. */
async function looksOf(work: () => Promise<unknown>): Promise<number> {
  const real = fs.lstatSync;
  let count = 0;
  const counting = (...args: Parameters<typeof real>) => {
    count += 1;
    return real(...args);
  };
  Object.assign(fs, { lstatSync: counting });
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    Object.assign(fs, { lstatSync: real });
    syncBuiltinESMExports();
  }
  return count;
}

test("where git vouches for files they are not looked at one by one, and every kind of change is still seen", async () => {
  const place = openPlace({ budget: { ...DEFAULT_BUDGET, askGitFrom: 0 } });
  const at = (n: number) => join(place.work, `d${n % 4}/f${n}`);
  for (let n = 0; n < FILES; n += 1) {
    fs.mkdirSync(join(place.work, `d${n % 4}`), { recursive: true });
    fs.writeFileSync(at(n), `file ${n}\n`);
  }
  git(place.work, "init", "-q");
  git(place.work, "add", "-A");
  git(place.work, "commit", "-qm", "x");
  await sleep(OLD_MS);
  // An index that is younger than the files.
  git(place.work, "read-tree", "HEAD");
  git(place.work, "update-index", "-q", "--refresh");
  const before = snapshot(place.work);
  await place.call("0", () => {});
  await place.end("0");
  await place.reopen();
  const known = await looksOf(async () => {
    await place.call("1", () => {});
    await place.checkpoints.idle();
  });
  assert.ok(known < FILES, `${known} looks at ${FILES} files that an earlier process knew`);
  const looks = await looksOf(async () => {
    await place.call("1", () => {
      fs.appendFileSync(at(0), "more\n");
      fs.chmodSync(at(1), 0o600);
      fs.unlinkSync(at(2));
      fs.unlinkSync(at(3));
      fs.symlinkSync("f7", at(3));
      fs.renameSync(at(4), join(place.work, "moved"));
      const { atime, mtime } = fs.statSync(at(5));
      fs.writeFileSync(at(5), "eliF 5\n");
      fs.utimesSync(at(5), atime, mtime);
      fs.unlinkSync(at(6));
      fs.mkdirSync(at(6));
    });
    await place.checkpoints.idle();
  });
  assert.ok(looks < FILES, `${looks} looks at ${FILES} files`);
  const changed = await place.end("1");
  assert.deepEqual(changed, [...[0, 1, 2, 3, 4, 5, 6].map(at), join(place.work, "moved")].sort());
  assert.ok((await place.undo()).ok);
  assert.deepEqual(snapshot(place.work), before);
  await place.close();
});

test("what git has lost since an earlier process knew it is kept before a command can change it", async () => {
  const place = openPlace({ budget: { ...DEFAULT_BUDGET, askGitFrom: 0 } });
  const path = join(place.work, "f");
  fs.writeFileSync(path, "one\n");
  // Older than git's index, so that its content counts as git's.
  fs.utimesSync(path, 1_700_000_000, 1_700_000_000);
  git(place.work, "init", "-q");
  git(place.work, "add", "-A");
  await place.call("0", () => {});
  await place.end("0");
  assert.equal(fs.existsSync(join(place.home, "checkpoints/objects")), false, "git has it");
  await place.reopen();
  git(place.work, "rm", "-q", "--cached", "f");
  git(place.work, "gc", "-q", "--prune=now");
  await place.call("1", () => fs.writeFileSync(path, "two\n"));
  await place.end("1");
  assert.ok((await place.undo()).ok);
  assert.equal(fs.readFileSync(path, "utf8"), "one\n");
  await place.close();
});
