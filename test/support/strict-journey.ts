import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import type { WireName } from "./model-frames.js";
import { type Ended, makePlace, type Place, startProgram } from "./program.js";
import { type Answer, type StrictProvider, type StrictServer, SUMMARY, startStrictServer } from "./strict-server.js";

/** A provider to travel with. */
export interface Route {
  readonly wire: WireName;
  readonly model: string;
  readonly make: () => StrictProvider;
  /** Lines of the provider's table. */
  readonly settings?: string;
  /** Tokens at which room is made: below what the third step of the last turn takes. */
  readonly limit?: number;
  /** Looks at an image in its second step; else it writes a patch. */
  readonly sees?: boolean;
  /** The words of a refusal that teaches: at most one in each run. */
  readonly learns?: string;
}

/** A place with servers, and runs of the program there; all gone when the test ends. */
export interface Trip {
  readonly place: Place;
  /** A provider is known in the settings by its name here. */
  server(name: string): StrictServer;
  /** Runs `belay exec` to its end with the provider named. */
  run(name: string, words: readonly string[]): Promise<Ended>;
  /** The same, interrupted when its command runs. */
  interrupted(name: string, words: readonly string[]): Promise<Ended>;
  /** The same, interrupted in the middle of an answer. */
  cut(name: string, words: readonly string[]): Promise<Ended>;
}

export async function openTrip(t: TestContext, routes: Readonly<Record<string, Route>>): Promise<Trip> {
  const place = makePlace();
  const servers = new Map<string, StrictServer>();
  t.after(async () => {
    try {
      await place.quiet();
    } finally {
      await Promise.all([...servers.values()].map((server) => server.close()));
      place.remove();
    }
  });
  const tables: string[] = [];
  for (const [name, route] of Object.entries(routes)) {
    const server = await startStrictServer(route.make());
    servers.set(name, server);
    tables.push(table(name, route, server.url));
  }
  place.configure([TOP, ...tables].join("\n"));
  place.write("AGENTS.md", "In this project: use tabs.\n");
  place.write("dot.png", png());
  const start = (name: string, words: readonly string[]) => {
    const { model, limit = 50_000 } = routes[name]!;
    const settings = ["-c", `model_auto_compact_token_limit=${limit}`, "-c", `model_provider="${name}"`, "-m", model];
    return startProgram(["exec", "--json", ...settings, ...words], place);
  };
  return {
    place,
    server: (name) => servers.get(name)!,
    run: (name, words) => start(name, words).ended,
    async interrupted(name, words) {
      const program = start(name, words);
      // The words of the command; then the program, a shell and what sleeps in it.
      await program.seen("out-two");
      await place.populated(3);
      program.signal("SIGINT");
      return await program.ended;
    },
    async cut(name, words) {
      const stalled = servers.get(name)!.stalled();
      const program = start(name, words);
      await Promise.race([stalled, program.ended]);
      program.signal("SIGINT");
      return await program.ended;
    },
  };
}

const TOP = `approval_policy = "never"
sandbox_mode = "danger-full-access"
`;

function table(name: string, { wire, settings = "" }: Route, url: string): string {
  return `[model_providers.${name}]
name = "Strict ${name}"
base_url = "${url}"
env_key = "MOCK_API_KEY"
wire_api = "${wire}"
request_max_retries = 0
stream_max_retries = 0
stream_idle_timeout_ms = 10000
${settings}
`;
}

/** A text that never comes to its end. */
const HALF_TURN: Answer = { thought: "I begin.", say: "Half of a longer text.", stalls: true };

export function echo(word: string): { name: string; args: { cmd: string } } {
  return { name: "exec_command", args: { cmd: `echo out-${word}` } };
}

const PATCH = "*** Begin Patch\n*** Add File: notes.txt\n+tabs\n*** End Patch\n";

/** What makes the next request the largest so far, also where the provider does not count. */
const LONG = { name: "exec_command", args: { cmd: "head -c 36000 /dev/zero | tr '\\0' x; echo out-four" } };

/** Two steps with tools and an answer. */
export function firstTurn(sees: boolean): Answer[] {
  const second = sees
    ? { name: "view_image", args: { path: "dot.png" } }
    : { name: "apply_patch", args: { input: PATCH } };
  return [
    { thought: "First I look around.", uses: [echo("one")] },
    { thought: "Now for the second step.", say: "Next.", uses: [second] },
    { thought: "All is done.", say: "First done." },
  ];
}

/** A command that goes on until it is stopped. */
export const LONG_TURN: Answer = {
  thought: "This one takes time.",
  say: "Working.",
  uses: [{ name: "exec_command", args: { cmd: "echo out-two; sleep 60; echo late > late" } }],
};

export const THIRD_TURN: readonly Answer[] = [
  { thought: "Two at once.", uses: [echo("three"), echo("also")] },
  {
    thought: "Slips.",
    uses: [
      { name: "look.around", args: {} },
      { name: "exec_command", args: '{"cmd": "echo a" "b"}' },
    ],
  },
  { thought: "That was it.", say: "Third done." },
];

export const LAST_TURN: readonly Answer[] = [
  { thought: "A long one.", uses: [LONG], total: 90_000 },
  { uses: [echo("five")] },
  { thought: "The end.", say: "Fourth done." },
];

/**
 * A turn with tools, two that are interrupted, one that goes on, and one in which room is made, each in a run of its own: what
 * the provider refuses, and what it misses, fails the test.
 */
export async function journey(t: TestContext, route: Route): Promise<StrictServer> {
  const trip = await openTrip(t, { strict: route });
  const server = trip.server("strict");
  const resume = ["resume", "--last"];
  const runs: Ended[] = [];
  server.enqueue(...firstTurn(route.sees === true));
  runs.push(await trip.run("strict", ["first task"]));
  // Each run by itself: a turn that failed must not take the next one's answers.
  checkRun(runs, { server, code: 0 });
  server.enqueue(LONG_TURN);
  runs.push(await trip.interrupted("strict", [...resume, "second task"]));
  checkRun(runs, { server, code: 130 });
  server.enqueue(HALF_TURN);
  runs.push(await trip.cut("strict", [...resume, "a task in between"]));
  checkRun(runs, { server, code: 130 });
  server.enqueue(...THIRD_TURN);
  runs.push(await trip.run("strict", [...resume, "third task"]));
  checkRun(runs, { server, code: 0 });
  const before = server.asked.length;
  server.enqueue(...LAST_TURN);
  runs.push(await trip.run("strict", [...resume, "fourth task"]));
  checkRun(runs, { server, code: 0 });
  checkRefusals(server, route, runs.length);
  assert.deepEqual(server.provider.owed(), [], "what did not come back");
  checkRequests(server, before);
  if (route.sees !== true) assert.equal(trip.place.read("notes.txt"), "tabs\n");
  return server;
}

function checkRun(runs: readonly Ended[], { server, code }: { readonly server: StrictServer; readonly code: number }) {
  const last = runs.at(-1)!;
  const told = `turn ${runs.length}\n${last.stdout}\n${last.stderr}\nrefused: ${server.denied.join("\n")}`;
  assert.deepEqual([last.code, server.left], [code, 0], told);
}

function checkRefusals(server: StrictServer, { learns }: Route, runs: number): void {
  const others = server.denied.filter((words) => learns === undefined || !words.includes(learns));
  assert.deepEqual(others, []);
  assert.ok(server.denied.length <= runs, `${server.denied.length} refusals in ${runs} runs`);
  if (learns !== undefined) assert.ok(server.denied.length > 0, "nothing was refused: the row tests nothing");
}

/** The texts that have to be in what was asked. `before`: requests of the first three turns. */
function checkRequests({ asked }: StrictServer, before: number): void {
  const texts = asked.map(({ body }) => JSON.stringify(body));
  assert.match(texts[0]!, /use tabs/);
  const third = texts[before - 1]!;
  for (const word of [
    "first task",
    "out-one",
    "Next.",
    "First done.",
    "Working.",
    "turn_aborted",
    "out-three",
    "out-also",
  ]) {
    assert.ok(third.includes(word), `"${word}" is in the last request of the third turn`);
  }
  const after = texts.slice(before).filter((text) => text.includes(SUMMARY));
  assert.ok(after.length >= 2, "the step after the summary, and the last");
  assert.match(after[0]!, /out-four/);
  assert.match(after.at(-1)!, /out-five/);
}

/** An image of one red dot; `torn`: the end of its data is missing. */
export function png({ torn = false } = {}): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(1, 0);
  header.writeUInt32BE(1, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const whole = Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(Buffer.from([0, 255, 0, 0]))),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
  return torn ? whole.subarray(0, whole.length - 20) : whole;
}

function pngChunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}
