import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { call, hold, text } from "../support/model-server.js";
import { type Ended, mockConfig, openScene, type Scene } from "../support/program.js";
import { mountSmallDisk, SMALL_DISKS, type SmallDisk } from "../support/small-disk.js";
import { WALLED } from "../support/walls.js";
import { openProto } from "./proto-client.js";

const KB = 1024;

/** A scene whose home folder is a disk of 512 KB of its own. */
async function openSmallHome(t: Parameters<typeof openScene>[0]): Promise<Scene & { readonly disk: SmallDisk }> {
  const scene = await openScene(t);
  const { home } = scene.place;
  const disk = await mountSmallDisk(t, [{ folder: home, bytes: 512 * KB }]);
  writeFileSync(disk.at(join(home, "config.toml")), mockConfig(scene.server));
  const { under } = disk;
  return {
    ...scene,
    disk,
    start: (words, options) => scene.start(words, { ...options, under }),
    run: (words, options) => scene.run(words, { ...options, under }),
  };
}

/** What stands in the one session file there is. */
function recordIn({ place, disk }: { readonly place: Scene["place"]; readonly disk: SmallDisk }): string {
  const folder = disk.at(join(place.home, "sessions"));
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".jsonl"));
  assert.equal(names.length, 1, names.join());
  return readFileSync(join(folder, names[0]!), "utf8");
}

/** The thread events of a run, which ends well, and with the one that ends its turn. */
function eventsOf({ code, stdout, stderr }: Ended): readonly { readonly type: string; readonly item?: unknown }[] {
  assert.equal(code, 0, stderr);
  const events = stdout.trimEnd().split("\n");
  const parsed = events.map((line) => JSON.parse(line) as { readonly type: string; readonly item?: unknown });
  const ends = parsed.filter(({ type }) => /^turn\.(completed|failed|aborted)$/.test(type));
  assert.deepEqual([ends.length, ends[0]], [1, parsed.at(-1)]);
  return parsed;
}

const ADD = (name: string, lines = "+x") => `*** Begin Patch\n*** Add File: ${name}\n${lines}\n*** End Patch`;
const BIG = Array.from({ length: 3000 }, (_, at) => `+line ${at}`).join("\n");

describe("a full disk", { ...SMALL_DISKS, concurrency: 2 }, () => {
  test("under the home folder from the start: the turn runs, each thing that is missing is said, nothing is left", async (t) => {
    const scene = await openSmallHome(t);
    const { place, server, disk } = scene;
    disk.fill(place.home);
    server.enqueue(call("exec_command", { cmd: "echo hi > made" }, "c"), call("apply_patch", { input: ADD("n") }, "p"));
    server.enqueue(text("an answer"), text("another"));
    const told = JSON.stringify(eventsOf(await scene.run(["exec", "--json", "go"])));
    assert.equal(told.split("this conversation is no longer recorded on disk").length, 2, told);
    assert.match(told, /ENOSPC: [^"]*; free space on the disk of [^"]*\/home: /);
    assert.match(told, /what commands change in this turn can't be undone: ENOSPC/);
    assert.equal(place.read("made"), "hi\n");
    // A patch is not made that a crash could leave half done.
    assert.match(
      server.requests.at(-1)?.outputOf("p") ?? "",
      /the journal of patches in "[^"]*\/patches": no space left on the disk; no file was changed/,
    );
    assert.deepEqual(readdirSync(place.dir).sort(), [".git", "made"]);
    const listed = await scene.run(["sessions", "list"]);
    assert.deepEqual([listed.code, listed.stdout, /no sessions/.test(listed.stderr)], [0, "", true]);
    disk.free(place.home);
    assert.equal((await scene.run(["exec", "again"])).code, 0);
    assert.match(recordIn(scene), /"again"/);
  });

  test("that fills while a large output is recorded: what was there is whole, and goes on when there is space", async (t) => {
    const scene = await openSmallHome(t);
    const { place, server, disk } = scene;
    const gate = hold();
    server.enqueue(text("first answer"), [gate, call("exec_command", { cmd: "seq 1 20000" }, "big")]);
    server.enqueue(text("second answer"), text("third answer"));
    assert.equal((await scene.run(["exec", "first"])).code, 0);
    const before = recordIn(scene);
    const second = scene.start(["exec", "--json", "resume", "--last", "second"]);
    await gate.reached;
    disk.fill(place.home, 8 * KB);
    gate.release();
    const events = eventsOf(await second.ended);
    const notice = events.findIndex(({ item }) => JSON.stringify(item ?? "").includes("no longer recorded"));
    const answer = events.findIndex(({ item }) => JSON.stringify(item ?? "").includes("second answer"));
    assert.ok(notice > 0 && notice < answer, "it is told when it happens, not at the end");
    const after = recordIn(scene);
    assert.ok(after.startsWith(before) && after.endsWith("\n"));
    disk.free(place.home);
    const third = await scene.run(["exec", "resume", "--last", "third"]);
    assert.equal(third.code, 0, third.stderr);
    assert.match(third.stderr, /the record of the last turn breaks off while it ran exec_command/);
    // The model server refuses a request whose calls have no outputs.
    const request = server.requests.at(-1)!;
    assert.deepEqual([request.assistantTexts(), request.userTexts().at(-1)], [["first answer"], "third"]);
    assert.match(request.outputOf("big") ?? "", /output is lost/);
  });

  test("that has space again while the conversation is open: nothing is missing in the record", async (t) => {
    const scene = await openSmallHome(t);
    const { place, server, disk } = scene;
    const client = await openProto(t, { scene, under: disk.under });
    server.enqueue(text("first answer"), call("exec_command", { cmd: "seq 1 20000" }, "big"), text("second answer"));
    client.say("1", "first");
    await client.end("1");
    disk.fill(place.home, 8 * KB);
    client.say("2", "second");
    await client.end("2");
    await client.until("background_event", ({ message }) => message.includes("no longer recorded"));
    disk.free(place.home);
    server.enqueue(text("third answer"), text("fourth answer"));
    client.say("3", "third");
    await client.end("3");
    await client.until("background_event", ({ message }) => message === "this conversation is recorded on disk again");
    const sent = JSON.stringify(server.requests.at(-1)?.body.input);
    await client.finish();
    const resumed = await scene.run(["exec", "resume", "--last", "fourth"]);
    assert.deepEqual([resumed.code, /skipped|breaks off/.test(resumed.stderr)], [0, false], resumed.stderr);
    assert.ok(JSON.stringify(server.requests.at(-1)?.body.input).startsWith(sent.slice(0, -1)));
  });

  test("that fills before a compaction and an undo's checkpoint: both are as if they had not been", async (t) => {
    const scene = await openSmallHome(t);
    const { place, server, disk } = scene;
    const change = (from: string, to: string, id: string) =>
      call("exec_command", { cmd: `sed -i s/${from}/${to}/ notes`, yield_time_ms: null }, id);
    place.write("notes", "one\n");
    server.enqueue(change("one", "two", "a"), text("first answer"));
    const client = await openProto(t, { scene, under: disk.under });
    client.say("1", "first");
    await client.end("1");
    disk.fill(place.home);
    server.enqueue(text("all that was said"), change("two", "three", "b"), text("second answer"), text("third answer"));
    client.send("2", { type: "compact" });
    await client.end("2");
    client.say("3", "second");
    const { failed } = (await client.end("3")) as { readonly failed?: boolean };
    assert.equal(failed, undefined);
    await client.until("background_event", ({ message }) => message.includes("can't be undone: ENOSPC"));
    await client.finish();
    assert.equal(place.read("notes"), "three\n");
    disk.free(place.home);
    // What was changed while nothing could be kept is nobody's to overwrite.
    const undone = await scene.run(["undo", "-y"]);
    assert.deepEqual([undone.code, place.read("notes")], [1, "three\n"], undone.stdout);
    const third = await scene.run(["exec", "resume", "--last", "third"]);
    assert.equal(third.code, 0, third.stderr);
    assert.deepEqual(server.requests.at(-1)?.assistantTexts(), ["first answer"]);
  });

  test("under the working folder: a patch changes nothing, the model hears why, and the record goes on", async (t) => {
    const scene = await openScene(t);
    const { place, server } = scene;
    const disk = await mountSmallDisk(t, [{ folder: place.dir, bytes: 512 * KB }]);
    const notes = disk.at(join(place.dir, "notes"));
    writeFileSync(notes, "one\n");
    disk.fill(place.dir, 8 * KB);
    const patch = `*** Begin Patch\n*** Update File: notes\n@@\n-one\n+two\n*** Add File: big\n${BIG}\n*** End Patch`;
    server.enqueue(call("apply_patch", { input: patch }, "p"), text("I see."), text("Still here."));
    const words = ["exec", "--json", "--skip-git-repo-check"];
    eventsOf(await scene.run([...words, "go"], { under: disk.under }));
    assert.match(server.requests.at(-1)?.outputOf("p") ?? "", /"[^"]*\/big": no space left on the disk; no file was/);
    assert.equal(readFileSync(notes, "utf8"), "one\n");
    assert.deepEqual(readdirSync(disk.at(place.dir)).sort(), ["ballast", "notes"]);
    disk.free(place.dir);
    server.enqueue();
    eventsOf(await scene.run([...words, "resume", "--last", "on"], { under: disk.under }));
    assert.deepEqual(server.requests.at(-1)?.assistantTexts(), ["I see."]);
  });

  test("under TMPDIR: commands run, within their walls too (needs bubblewrap)", WALLED, async (t) => {
    const scene = await openScene(t);
    const { place, server } = scene;
    const disk = await mountSmallDisk(t, [{ folder: place.tmp, bytes: 64 * KB }]);
    disk.fill(place.tmp);
    server.enqueue(call("exec_command", { cmd: "echo hi > made; cat made" }, "c"), text("Done."));
    const run = await scene.run(["exec", "-s", "workspace-write", "go"], { under: disk.under });
    assert.equal(run.code, 0, run.stderr);
    assert.match(server.requests.at(-1)?.outputOf("c") ?? "", /Exit code: 0.*\nhi\n/s);
    assert.deepEqual(readdirSync(disk.at(place.tmp)), ["ballast"]);
  });
});
