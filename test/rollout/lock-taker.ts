import { tryLock } from "../../src/rollout/index.js";

// Takes a lock and holds it until it is killed, or its parent is gone.
const [home = "", id = "", now = "0"] = process.argv.slice(2);
const taken = tryLock(home, id, Number(now));
process.send?.(taken.ok ? "taken" : taken.holder.pid);
process.on("disconnect", () => process.exit());
