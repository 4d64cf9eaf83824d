import { readFileSync } from "node:fs";
import { now } from "../accounting.mjs";
import { quantile, row } from "../figures.mjs";
import { openProto } from "../proto-client.mjs";

const ROUNDS = { tree: 40, deaf: 10 };
/** A tree that ignores TERM is killed after the grace of 300 ms. */
const LIMITS = { tree: 50, deaf: 500 };

/** From the interrupt to `turn_aborted` while a shell with a child and a grandchild runs; nothing of it may be left. */
export async function interrupt(lab) {
  const rows = [];
  for (const script of ["tree", "deaf"]) {
    const proto = openProto(lab, lab.server.url(script, lab.nextRun()));
    const times = [];
    let alive = 0;
    for (let round = 0; round < ROUNDS[script]; round += 1) {
      const { took, pids } = await interruptOnce(proto);
      times.push(took);
      alive += pids.filter(isAlive).length;
    }
    await proto.close();
    const kind = script === "tree" ? "obeys TERM" : "ignores TERM";
    const p99 = (values) => quantile(values, 0.99);
    rows.push(
      row(`interrupt to \`turn_aborted\`, tree ${kind}, ms`, { belay: times }, [{ most: LIMITS[script], of: p99 }]),
      row("… p99, ms", { belay: [p99(times)] }),
      row("… processes alive after it", { belay: [alive] }, [{ most: 0 }]),
    );
  }
  return rows;
}

async function interruptOnce(proto) {
  let text = "";
  const ready = proto.next((msg) => {
    if (msg.type === "exec_command_output_delta") text += Buffer.from(msg.chunk).toString("utf8");
    return text.includes("ready");
  });
  proto.submit({ type: "user_input", items: [{ type: "text", text: "go on" }] });
  await ready;
  const aborted = proto.next((msg) => msg.type === "turn_aborted");
  const sent = now();
  proto.submit({ type: "interrupt" });
  const { at } = await aborted;
  return { took: at - sent, pids: text.match(/\d+/g).map(Number) };
}

/** Running, that is: a zombie waits only to be collected. */
function isAlive(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    // It is gone.
    return false;
  }
}
