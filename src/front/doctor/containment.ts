import { type Command, run } from "../../process/index.js";
import type { LevelReport, SandboxMode } from "../../protocol/index.js";
import {
  asWanted,
  factsOf,
  probe,
  reportLevel,
  runSandboxed,
  type SandboxLevel,
  type Wishes,
} from "../../sandbox/index.js";
import { type Finding, missing, note, ok } from "./finding.js";

const MODES: readonly SandboxMode[] = ["read-only", "workspace-write", "danger-full-access"];
const TRIAL_BOUND_MS = 10_000;
const KEEP = { head: 8_000, tail: 0 };

/** Where and as what commands would run. */
export interface Site {
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readonly wishes: Wishes;
  readonly signal: AbortSignal;
}

export interface Containment {
  readonly levels: readonly LevelReport[];
  readonly findings: readonly Finding[];
}

/** Which level is in force for each mode, and what a command in the sandbox finds there. */
export async function containmentFindings(site: Site): Promise<Containment> {
  const found = await probe(site, site);
  const level = asWanted(found, site.wishes);
  const levels = MODES.map((mode) => reportLevel(factsOf(level), mode));
  const findings = levels.map(({ mode, level: has, summary, missing: lacking }): Finding => {
    if (has === "none") return missing(`mode:${mode}`, summary, ...lacking);
    return { id: `mode:${mode}`, status: lacking.length === 0 ? "ok" : "note", text: summary, fix: lacking };
  });
  return { levels, findings: [...findings, namespaceFinding(found), ...(await insideFindings(level, site))] };
}

function namespaceFinding({ cage, walls, reasons }: SandboxLevel): Finding {
  if (cage !== undefined) return ok("pid-namespace", `can be made (${cage.kind})`);
  if (walls?.kind === "bubblewrap") return ok("pid-namespace", "can be made (bubblewrap)");
  return missing("pid-namespace", "can't be made", ...reasons.cage);
}

/** Looks out of a sandbox: the network it has, and the filter over its system calls. */
async function insideFindings(level: SandboxLevel, site: Site): Promise<Finding[]> {
  if (level.walls?.kind !== "bubblewrap") return [];
  const command: Command = {
    argv: ["/bin/sh", "-c", "cat /proc/net/dev; grep '^Seccomp:' /proc/self/status"],
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
  };
  const options = { signal: site.signal, timeoutMs: TRIAL_BOUND_MS, keep: KEEP };
  const ran = await runSandboxed(command, { mode: "read-only" }, { ...options, place: site, level });
  const text = ran.ok ? ran.exit.output.parts().head : "";
  const devices = [...text.matchAll(/^\s*([^\s:|]+):\s*\d/gm)]
    .map(([, name]) => name!)
    .filter((name) => name !== "Seccomp");
  const open = devices.filter(
    (name) => name !== "lo" && !/^(sit|tunl|ip6tnl|gre|gretap|erspan|ip_vti|ip6_vti|ip6gre)0$/.test(name),
  );
  const network =
    devices.length === 0
      ? note("network", "what a sandbox sees of the network can't be told here")
      : open.length > 0
        ? missing("network", `commands without network see ${open.join(", ")}`)
        : ok("network", "out of reach in a sandbox, unless sandbox_workspace_write.network_access is on");
  return [network, filterFinding(text)];
}

function filterFinding(text: string): Finding {
  const mode = /^Seccomp:\s*(\d)/m.exec(text)?.[1];
  if (mode === "2") return ok("seccomp", `system calls are filtered (${process.arch})`);
  const why = `no table of system calls for ${process.arch}, or a kernel without seccomp filters`;
  return missing("seccomp", `system calls are not filtered: ${why}`, "tell us the machine: another table can be added");
}

/** The first line of what a program says of its version; undefined when it says none. */
export async function versionOf(
  program: string,
  { signal, env }: Pick<Site, "signal" | "env">,
): Promise<string | undefined> {
  const command = { argv: [program, "--version"], cwd: "/", env: { PATH: env.PATH ?? "" } };
  const exit = await run(command, { signal, timeoutMs: TRIAL_BOUND_MS, keep: KEEP });
  const [line] = exit.stdout.parts().head.split("\n");
  return exit.code === 0 && line !== "" ? line : undefined;
}
