import { release } from "node:os";
import { findGitRoot } from "../../config/index.js";
import { findPty } from "../../process/index.js";
import { findProgram } from "../../sandbox/index.js";
import { type Site, versionOf } from "./containment.js";
import { type Finding, missing, note, ok } from "./finding.js";

const OLDEST_NODE = [20, 20] as const;

/** This program, the machine and who runs it. */
export function selfFindings(version: string): Finding[] {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  const node = `Node ${process.versions.node}`;
  const id = process.geteuid?.();
  const user = id === 0 ? "root; other users of this machine may have another level" : `an unprivileged user (${id})`;
  return [
    ok("belay", version),
    isOld ? missing("node", node, `install Node ${OLDEST_NODE.join(".")} or later`) : ok("node", node),
    ok("system", `${process.platform} ${process.arch}, kernel ${release()}`),
    ok("user", id === undefined ? "unknown" : user),
  ];
}

/** The programs that Belay runs: each with its place and version. */
export async function programFindings(site: Site): Promise<Finding[]> {
  return Promise.all([
    look("git", site, { fix: "install git: belay exec wants to work in a repository", needed: true }),
    ...(process.platform === "linux"
      ? [
          look("bwrap", site, { fix: "install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap)", needed: true }),
          look("unshare", site, { fix: "install util-linux", needed: false }),
          look("setpriv", site, { fix: "install util-linux", needed: false }),
        ]
      : []),
    terminalFinding(site),
    Promise.resolve(repositoryFinding(site.cwd)),
  ]);
}

async function look(
  name: string,
  site: Site,
  { fix, needed }: { readonly fix: string; readonly needed: boolean },
): Promise<Finding> {
  const path = findProgram(name, site, site.env);
  if (path === undefined)
    return needed ? missing(name, "not found on PATH", fix) : { ...note(name, "not found on PATH"), fix: [fix] };
  const version = await versionOf(path, site);
  return version === undefined ? note(name, `${path}, which tells no version`) : ok(name, `${path}, ${version}`);
}

/** By making one. */
async function terminalFinding({ signal }: Site): Promise<Finding> {
  const program = await findPty(signal);
  if (program !== undefined) return ok("terminals", `${program} makes pseudo-terminals`);
  const lacking = note("terminals", "no pseudo-terminals: commands that ask for one run with pipes");
  return { ...lacking, fix: ["install util-linux's script (Debian, Ubuntu: apt-get install bsdutils)"] };
}

function repositoryFinding(cwd: string): Finding {
  const root = findGitRoot(cwd);
  if (root !== undefined) return ok("repository", root);
  return note("repository", `${cwd} is in no git repository: belay exec wants one, or --skip-git-repo-check`);
}
