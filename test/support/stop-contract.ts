import assert from "node:assert/strict";
import { type Event, isTerminal } from "../../src/protocol/index.js";

/**
 * Checks what the stop contract promises of a conversation's events, whatever happened in it: every turn ends with one
 * terminal event, nothing of it comes after, every begun call ends before it, but for terminals that it names as kept,
 * and every interrupt op has one answer, after the end of the turn it stopped. What is kept runs at that moment, and ends
 * later, once, outside of any turn. `interrupts` are the submission ids of interrupt ops.
 */
export function checkStopContract(events: readonly Event[], interrupts: readonly string[] = []): void {
  const turns = new Set(events.filter((event) => event.msg.type === "task_started").map((event) => event.id));
  for (const turn of turns)
    checkTurn(
      turn,
      events.filter((event) => event.id === turn),
    );
  for (const id of interrupts) checkAnswer(id, events);
  checkKept(events);
}

function checkTurn(turn: string, events: readonly Event[]): void {
  const names = events.map((event) => event.msg.type);
  const terminals = events.filter((event) => isTerminal(event.msg));
  assert.equal(terminals.length, 1, `turn ${turn} has ${terminals.length} terminal events: ${names.join(", ")}`);
  assert.ok(isTerminal(events.at(-1)!.msg), `turn ${turn} goes on after its end: ${names.join(", ")}`);
  assert.equal(names[0], "task_started", `turn ${turn} does not begin with task_started`);
  for (const [begin, end] of [
    ["exec_command_begin", "exec_command_end"],
    ["patch_apply_begin", "patch_apply_end"],
  ] as const) {
    const begun = callsOf(events, begin);
    const kept = keptBy(terminals[0]!).filter((call) => begun.includes(call));
    const ends = [...callsOf(events, end), ...(begin === "exec_command_begin" ? kept : [])].sort();
    assert.deepEqual(begun, ends, `turn ${turn}: calls with ${begin} and no ${end}`);
  }
}

/** The calls of terminals that a terminal event names as running on. */
export function keptBy({ msg }: Event): string[] {
  if (!isTerminal(msg)) return [];
  return (msg.processes ?? []).filter(({ outcome }) => outcome === "kept").map((process) => process.call_id);
}

/** Terminals in the order of events: who has begun and has not ended is kept by every turn that ends then. */
function checkKept(events: readonly Event[]): void {
  const running = new Set<string>();
  for (const event of events) {
    const { msg } = event;
    if (msg.type === "exec_command_begin" && msg.process_id != null) running.add(msg.call_id);
    if (msg.type === "exec_command_end" && msg.process_id != null) {
      assert.ok(running.delete(msg.call_id), `terminal ${msg.call_id} ended twice, or never began`);
    }
    if (isTerminal(msg)) {
      const kept = keptBy(event).sort();
      assert.deepEqual(kept, [...running].sort(), `turn ${event.id} does not keep what runs at its end`);
    }
  }
}

function callsOf(events: readonly Event[], type: string): string[] {
  return events.flatMap(({ msg }) => (msg.type === type && "call_id" in msg ? [msg.call_id] : [])).sort();
}

function checkAnswer(id: string, events: readonly Event[]): void {
  const answers = events.filter((event) => event.id === id);
  assert.equal(answers.length, 1, `interrupt ${id} has ${answers.length} answers`);
  const { msg } = answers[0]!;
  if (msg.type === "error") {
    assert.equal(msg.message, "no active turn to interrupt");
    return;
  }
  assert.equal(msg.type, "background_event");
  const stopped = /^turn (.*) was stopped$/.exec(msg.type === "background_event" ? msg.message : "")?.[1];
  const end = events.findIndex((event) => event.id === stopped && isTerminal(event.msg));
  assert.ok(
    end !== -1 && end < events.indexOf(answers[0]!),
    `interrupt ${id} is answered before turn ${stopped} ended`,
  );
}
