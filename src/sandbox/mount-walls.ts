import { type Cell, mountArguments } from "./bubblewrap.js";
import type { Walls } from "./types.js";

/**
 * Carries out bubblewrap's mount arguments ($6 and on, up to "--") as far as we use them, in namespaces that were just
 * made, and then starts the program without the rights to undo them. The new root grows over a folder that lies in no way of
 * a project ($new); what is writable is bound from the old one, which goes last. Programs of the script's own come from the
 * system's folders alone: the command's PATH may lead anywhere. Any failure ends it before the program starts.
 */
const SCRIPT = `set -eu
user=$1 group=$2 setpriv=$3 unshare=$4 session=$5
shift 5
own_path=\${PATH-}
PATH=/usr/sbin:/usr/bin:/sbin:/bin
new=/proc/tty perms=755 folder=/
read_only() {
  while read -r _ _ _ _ point options _; do
    case $point in *\\\\*) point=$(printf '%b' "$(printf %s "$point" | sed 's/\\\\/\\\\0/g')") ;; esac
    case $point in "$1" | "$1"/*) mount -o "remount,bind,ro,\${options#r?,}" "$point" ;; esac
  done </proc/self/mountinfo
}
devices() {
  mount -t tmpfs -o mode=755 tmpfs "$1"
  for name in null zero full random urandom tty; do
    : >"$1/$name"
    mount --bind "/dev/$name" "$1/$name"
  done
  mkdir "$1/shm" "$1/pts" "$1/.old"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$1/pts"
  ln -s pts/ptmx "$1/ptmx"
  ln -s /proc/self/fd "$1/fd"
  for at in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/\${at%:*}" "$1/\${at#*:}"; done
}
while [ "$1" != -- ]; do
  case $1 in
  --bind) mount --rbind "$2" "$new$3"; shift 3 ;;
  --ro-bind) mount --rbind "$2" "$new\${3%/}"; read_only "$new\${3%/}"; shift 3 ;;
  --ro-bind-try) if [ -e "$2" ]; then mount --rbind "$2" "$new$3"; read_only "$new$3"; fi; shift 3 ;;
  --perms) perms=$2; shift 2 ;;
  --tmpfs) mount -t tmpfs -o "mode=$perms" tmpfs "$new$2"; perms=755; shift 2 ;;
  --remount-ro) mount -o remount,bind,ro "$new$2"; shift 2 ;;
  --dev) devices "$new$2"; shift 2 ;;
  --proc) mount -t proc proc "$new$2"; shift 2 ;;
  --chdir) folder=$2; shift 2 ;;
  *) echo "unknown: $1" >&2; exit 125 ;;
  esac
done
shift
[ "$user" = 0 ] || echo 1 >/proc/sys/user/max_user_namespaces
cd "$new"
pivot_root . dev/.old
umount -l /dev/.old
rmdir /dev/.old
cd "$folder"
[ "$session" = own ] && set -- "$(command -v setsid)" --wait "$@"
PATH=$own_path
if [ "$user" = 0 ]; then
  exec "$setpriv" --no-new-privs --inh-caps=-all --bounding-set=-all,+dac_override,+chown,+fowner,+fsetid -- "$@"
fi
exec "$unshare" --user --map-user="$user" --map-group="$group" -- "$setpriv" --no-new-privs -- "$@"`;

/** The whole argv that runs `program` (already a namespace's program) in the cell, without bubblewrap and so without a filter. */
export function mountWallsArgv(
  { setpriv, unshare }: Walls & { kind: "unshare" },
  cell: Cell,
  program: readonly string[],
): string[] {
  const [user, group] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  return [
    ...[setpriv, "--pdeathsig", "KILL", "--", unshare, ...(user === 0 ? [] : ["--user", "--map-root-user"])],
    ...["--mount", "--pid", "--ipc", ...(cell.network ? [] : ["--net"])],
    ...["--fork", "--kill-child", "--propagation", "private", "--"],
    ...["/bin/sh", "-c", SCRIPT, "sh", String(user), String(group), setpriv, unshare, cell.session],
    ...[...mountArguments(cell, "own"), "--", ...program],
  ];
}
