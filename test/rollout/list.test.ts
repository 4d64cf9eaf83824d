import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  archiveSession,
  collectGarbage,
  deleteSession,
  findSession,
  forkSession,
  isGcDue,
  lastSession,
  listSessions,
  noteUse,
  RolloutWriter,
  renameSession,
  restoreSession,
  tryLock,
  unarchiveSession,
} from "../../src/rollout/index.js";
import { called, gave, type HomePlace, idOf, item, makeHome, metaOf, restored, TEXTS, turnOf, words } from "./place.js";

const DAY = 24 * 60 * 60 * 1000;
const NOW = Date.UTC(2026, 5, 1);

/** A session of one turn in `cwd`, used last `days` before NOW. */
function record(place: HomePlace, n: number, { cwd = "/work", days = 0 } = {}): string {
  const writer = RolloutWriter.create({ home: place.home, clock: place.clock, id: idOf(n) });
  writer.append([{ type: "session_meta", payload: { ...metaOf(idOf(n)), cwd } }, ...turnOf(n)]);
  writer.close();
  age(writer.path, days);
  return writer.path;
}

function age(path: string, days: number): void {
  utimesSync(path, (NOW - days * DAY) / 1000, (NOW - days * DAY) / 1000);
}

function fork(place: HomePlace, path: string, n: number, atTurn?: number) {
  const init = {
    home: place.home,
    clock: place.clock,
    signal: new AbortController().signal,
    version: "1",
    texts: TEXTS,
  };
  return forkSession({ ...init, path, id: idOf(n), atTurn });
}

describe("lists of sessions", () => {
  test("come by use, in pages, by folder, and survive foreign files", (t) => {
    const place = makeHome(t);
    for (let n = 1; n <= 5; n += 1) record(place, n, { days: n, cwd: n % 2 === 0 ? "/even" : "/odd" });
    place.put(idOf(9), "no session at all\n");
    age(place.put(idOf(9), "no session at all\n"), 9);
    writeFileSync(join(place.home, "sessions", "2026", "README"), "x");
    writeFileSync(join(place.home, "sessions", "2026", "01", "02", "rollout-nonsense.jsonl"), "x");
    const { home } = place;
    const ids = (page: { readonly sessions: readonly { readonly id: string }[] }) =>
      page.sessions.map(({ id }) => Number.parseInt(id.slice(-8), 16));
    const first = listSessions({ home, pageSize: 3 });
    assert.deepEqual(ids(first), [1, 2, 3]);
    const second = listSessions({ home, pageSize: 3, cursor: first.nextCursor });
    assert.deepEqual([ids(second), second.nextCursor], [[4, 5, 9], undefined]);
    assert.deepEqual(ids(listSessions({ home, cwd: "/even" })), [2, 4]);
    assert.deepEqual(first.sessions[0]?.preview, "question 1");
    const last = lastSession(home, "/even");
    assert.equal(last.ok && last.session.id, idOf(2));
    assert.equal(lastSession(home, "/nowhere").ok, false);
  });

  test("put what was used last first, also by a clock that was turned back, but not by one that is days off", (t) => {
    const place = makeHome(t);
    const { home } = place;
    const HOUR = DAY / 24;
    const paths = [1, 2, 3].map((n) => record(place, n, { days: 1 }));
    tryLock(home, idOf(1), NOW);
    const last = () => listSessions({ home, pageSize: 1 }).sessions[0]?.id;
    const uses = [NOW, NOW - 3 * HOUR, NOW - 3 * HOUR, NOW + 30 * DAY, NOW];
    const seen = uses.map((now, at) => {
      noteUse(paths[at % 3]!, { home, now });
      return last();
    });
    assert.deepEqual(seen, [idOf(1), idOf(2), idOf(3), idOf(1), idOf(1)]);
    // The mistake is over with the next use.
    noteUse(paths[0]!, { home, now: NOW + HOUR });
    noteUse(paths[1]!, { home, now: NOW + 2 * HOUR });
    assert.equal(last(), idOf(2));
  });

  test("pass over a file that a full disk has left empty, and a name that is torn", (t) => {
    const place = makeHome(t);
    const { home } = place;
    record(place, 1);
    place.put(idOf(2), "");
    assert.deepEqual(
      listSessions({ home }).sessions.map(({ id }) => id),
      [idOf(1)],
    );
    assert.equal(findSession(home, idOf(2)).ok, false);
    writeFileSync(join(home, "session_index.jsonl"), '{"id":"half a li');
    renameSession({ home, wanted: idOf(1), name: "mine", now: NOW });
    assert.equal(listSessions({ home }).sessions[0]?.name, "mine");
    assert.equal(readFileSync(join(home, "session_index.jsonl"), "utf8").split("\n").length, 3);
  });

  test("find by id, by the beginning of one, by name, by path; and say what is not clear", (t) => {
    const place = makeHome(t);
    const path = record(place, 1);
    record(place, 2);
    const { home } = place;
    const idFor = (wanted: string) => {
      const found = findSession(home, wanted);
      return found.ok ? found.session.id : found.reason;
    };
    assert.equal(idFor(idOf(1)), idOf(1));
    assert.equal(idFor(idOf(1).toUpperCase()), idOf(1));
    assert.equal(idFor(path), idOf(1));
    assert.equal(idFor("019b"), "ambiguous");
    assert.equal(idFor("019"), "not_found");
    assert.equal(idFor("ffff"), "not_found");
    renameSession({ home, wanted: idOf(2), name: "the second", now: NOW });
    assert.equal(idFor("the second"), idOf(2));
    renameSession({ home, wanted: "the second", name: "", now: NOW });
    assert.equal(idFor("the second"), "not_found");
  });

  test("put away, bring back, and remove sessions; not those in use", (t) => {
    const place = makeHome(t);
    record(place, 1);
    const { home } = place;
    const asked = { home, wanted: idOf(1), now: NOW };
    const lock = tryLock(home, idOf(1), NOW);
    for (const change of [archiveSession, deleteSession]) {
      const refused = change(asked);
      assert.match(refused.ok ? "" : refused.message, new RegExp(`in use by process ${process.pid}`));
    }
    if (lock.ok) lock.lock.release();
    assert.equal(archiveSession(asked).ok, true);
    assert.equal(archiveSession(asked).ok, false);
    assert.equal(listSessions({ home }).sessions.length, 0);
    assert.equal(listSessions({ home, archived: true }).sessions.length, 1);
    assert.equal(unarchiveSession(asked).ok, true);
    assert.equal(listSessions({ home }).sessions.length, 1);
    assert.equal(deleteSession(asked).ok, true);
    assert.equal(findSession(home, idOf(1)).ok, false);
  });
});

describe("a fork", () => {
  test("refers to what it was forked from, from a turn on or the whole, through forks of forks", async (t) => {
    const place = makeHome(t);
    const path = record(place, 1);
    const before = await restoreSession({ home: place.home, path, texts: TEXTS, signal: new AbortController().signal });
    const writer = RolloutWriter.continue({ home: place.home, clock: place.clock, start: before.start });
    writer.append([...turnOf(2), ...turnOf(3)]);
    let from = path;
    for (let n = 10; n < 20; n += 1) {
      const forked = await fork(place, from, n, 2);
      assert.ok(forked.ok);
      from = forked.path;
      assert.ok(statSync(from).size < 1000, "a fork copies nothing");
    }
    // What the first goes on to say is no business of its forks.
    writer.append(turnOf(4));
    writer.close();
    const { items } = await restoreSession({
      home: place.home,
      path: from,
      texts: TEXTS,
      signal: new AbortController().signal,
    });
    assert.deepEqual(
      words(items).filter((word) => word.startsWith("u:")),
      ["u:question 1", "u:question 2"],
    );
    // Where the byte that the fork names is no line's end any more, the ordinals tell what belongs to it.
    const text = readFileSync(from, "utf8");
    writeFileSync(from, text.replace(/"end_byte_offset":\d+/, '"end_byte_offset":7'));
    const again = await restored(place, from);
    assert.deepEqual(words(again.items), words(items));
    const none = await fork(place, path, 30, 9);
    assert.match(none.ok ? "" : none.message, /has 4 turns, there is no turn 9/);
    const refused = deleteSession({ home: place.home, wanted: idOf(1), now: NOW });
    assert.match(refused.ok ? "" : refused.message, /forked from/);
    assert.equal(existsSync(path), true);
  });

  test("of a file without ordinals is a copy", async (t) => {
    const place = makeHome(t);
    const text = readFileSync("test/fixtures/rollout/belay-0.jsonl", "utf8");
    const path = place.put(idOf(1), text);
    const forked = await fork(place, path, 2);
    assert.ok(forked.ok);
    writeFileSync(path, "");
    const { items } = await restoreSession({
      home: place.home,
      path: forked.path,
      texts: TEXTS,
      signal: new AbortController().signal,
    });
    assert.equal(words(items).at(-1), "a:It ran, 1");
    assert.equal((await fork(place, path, 3, 1)).ok, false);
  });
});

describe("cleaning up", () => {
  const limits = { maxBytes: undefined, keepDays: undefined };

  test("deletes by age and by size, oldest first; never what is open, named, new, or forked from", async (t) => {
    const place = makeHome(t);
    const { home } = place;
    const paths = new Map<number, string>();
    for (let n = 1; n <= 8; n += 1) paths.set(n, record(place, n, { days: 100 - n }));
    record(place, 9, { days: 1 });
    renameSession({ home, wanted: idOf(2), name: "keep me", now: NOW });
    const forked = await fork(place, paths.get(3)!, 20);
    if (forked.ok) age(forked.path, 1);
    const lock = tryLock(home, idOf(4), NOW);
    const gone = (changed: object, dryRun = false) =>
      collectGarbage({ home, limits: { ...limits, ...changed }, now: NOW, dryRun, unusedBlobs: "always" }).deleted.map(
        ({ id, why }) => `${Number.parseInt(id.slice(-8), 16)} ${why}`,
      );
    assert.deepEqual(gone({}), []);
    assert.deepEqual(gone({ keepDays: 30 }, true), ["1 old", "5 old", "6 old", "7 old", "8 old"]);
    const total = collectGarbage({ home, limits, now: NOW, dryRun: true, unusedBlobs: "always" }).bytesBefore;
    assert.deepEqual(gone({ maxBytes: total - 100 }), ["1 quota"]);
    assert.deepEqual(gone({ maxBytes: 1 }), ["5 quota", "6 quota", "7 quota", "8 quota"]);
    const left = listSessions({ home })
      .sessions.map(({ id }) => Number.parseInt(id.slice(-8), 16))
      .sort((a, b) => a - b);
    assert.deepEqual(left, [2, 3, 4, 9, 20]);
    if (lock.ok) lock.lock.release();
  });

  test("removes a blob only when no session has it any more, and not a young one", (t) => {
    const place = makeHome(t);
    const { home } = place;
    for (const n of [1, 2]) {
      const writer = RolloutWriter.create({ home, clock: place.clock, id: idOf(n) });
      writer.append([
        { type: "session_meta", payload: metaOf(idOf(n)) },
        item(called("a")),
        item(gave("a", "x".repeat(50_000))),
      ]);
      writer.close();
    }
    const blobs = () =>
      readdirSync(join(home, "session_blobs"), { recursive: true }).filter((name) => String(name).length > 40);
    const gc = (now: number) => collectGarbage({ home, limits, now, dryRun: false, unusedBlobs: "always" }).blobs.count;
    deleteSession({ home, wanted: idOf(1), now: NOW });
    assert.deepEqual([gc(Date.now() + 2 * DAY), blobs().length], [0, 1]);
    deleteSession({ home, wanted: idOf(2), now: NOW });
    assert.deepEqual([gc(Date.now()), blobs().length], [0, 1]);
    assert.deepEqual([gc(Date.now() + 2 * DAY), blobs().length], [1, 0]);
  });

  test("of the program's own accord is due once a day, also when the clock was turned back", (t) => {
    const { home } = makeHome(t);
    assert.deepEqual([isGcDue(home, NOW), isGcDue(home, NOW), isGcDue(home, NOW + DAY / 2)], [true, false, false]);
    assert.deepEqual([isGcDue(home, NOW - 9 * DAY), isGcDue(home, NOW - 9 * DAY)], [true, false]);
  });
});
