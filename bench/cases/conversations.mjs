import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openConversations } from "../conversation-client.mjs";
import { quantile, row } from "../figures.mjs";
import { samplesOf } from "../turns.mjs";

const CONVERSATIONS = 100;
const ROUNDS = 3;
/** All of them have streamed for so long. */
const SETTLED_MS = 2_000;
/** Between two interrupts. */
const APART_MS = 10;

/**
 * 100 conversations of one server stream at once: what each costs in memory, and from interruptConversation to its answer, one
 * after the other while the rest go on (`belay mcp-server`, `codex mcp`).
 */
export async function conversations(lab) {
  const [memory, times, slowest] = [samplesOf(), samplesOf(), samplesOf()];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, server] of Object.entries(lab.servers)) {
      const measured = await measure(lab, server);
      memory[name].push(measured.perConversation);
      times[name].push(...measured.interrupts);
      slowest[name].push(quantile(measured.interrupts, 0.99));
    }
  }
  return [
    row(`memory of one of ${CONVERSATIONS} conversations, MB`, memory, [{ than: "codex", most: 1 }]),
    row("interruptConversation to its answer, ms", times),
    row("… p99, ms", slowest),
  ];
}

async function measure(lab, server) {
  const client = await openConversations(lab, server, lab.server.url("endless", lab.nextRun()));
  // What is loaded with the first turn is no conversation's.
  const first = await client.open();
  await client.begin(first);
  await client.interrupt(first);
  const before = residentMb(client.pid);
  const ids = [];
  for (let n = 0; n < CONVERSATIONS; n += 1) ids.push(await client.open());
  await Promise.all(ids.map((id) => client.begin(id)));
  await sleep(SETTLED_MS);
  const perConversation = (residentMb(client.pid) - before) / CONVERSATIONS;
  const interrupts = [];
  for (const id of ids) {
    interrupts.push(await client.interrupt(id));
    await sleep(APART_MS);
  }
  await client.close();
  return { perConversation, interrupts };
}

function residentMb(pid) {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kb) / 1024;
}
