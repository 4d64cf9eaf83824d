import { findPerl } from "../base/index.js";
import { run } from "./run.js";
import type { Command } from "./types.js";

/** System calls that Perl has no words for: prctl, setsid, rt_sigprocmask, rt_sigtimedwait. */
const CALLS: Readonly<Record<string, readonly number[]>> = { x64: [157, 112, 14, 128], arm64: [167, 157, 135, 137] };

/**
 * Adopts every orphan of the command (PR_SET_CHILD_SUBREAPER), whatever session, group or environment it has, so that
 * there is none it does not find, and ends when the last of them is collected: its exit proves that all are dead.
 * SIGTERM, which it also gets when this process dies (PR_SET_PDEATHSIG), has it kill its own children, to whose place
 * theirs come, until there are none. Only its own children are signalled: their ids are held until it collects them.
 * SIGTERM and SIGCHLD are blocked and waited for, so that none is missed; nobody reading what it tells does not end it.
 * What can't be killed within some ten seconds makes it end by SIGKILL, which proves nothing.
 *
 * What it tells is what a namespace's shell tells. The variables come with an x before their names: none of them means
 * anything to Perl.
 */
const LEADER = `
my ($prctl, $setsid, $mask, $wait, $parent) = splice @ARGV, 0, 5;
%ENV = map { substr($_, 1), $ENV{$_} } keys %ENV;
open my $report, '>&=', 3 or die "no report: $!";
my ($both, $none, $now) = (pack('Q', 1 << 14 | 1 << 16), pack('Q', 0), pack('qq', 0, 0));
syscall($mask, 0, $both, 0, 8) == 0 or die "signals: $!";
syscall($prctl, 36, 1, 0, 0, 0) == 0 or die "prctl: $!";
syscall($prctl, 1, 15, 0, 0, 0) == 0 or die "prctl: $!";
my $children = "/proc/$$/task/$$/children";
-r $children or die "$children: $!";
exit 0 if getppid != $parent || syscall($wait, $both, 0, $now, 8) == 15;
syswrite $report, "+\\n";
my $program = fork;
defined $program or die "fork: $!";
if ($program == 0) {
  close $report;
  syscall($setsid);
  syscall($mask, 2, $none, 0, 8);
  exec { $ARGV[0] } @ARGV;
  print STDERR "$ARGV[0]: $!\\n";
  exit($! == 2 ? 127 : 126);
}
close STDIN; close STDOUT; close STDERR;
$SIG{PIPE} = 'IGNORE';
my ($code, $told, $rounds) = (undef, 0, 0);
for (;;) {
  my $pid;
  while (($pid = waitpid -1, 1) > 0) {
    $code = $? & 127 ? 128 + ($? & 127) : $? >> 8 if $pid == $program;
  }
  last if $pid < 0;
  syswrite $report, "$code\\n" if defined $code && !$told++;
  if ($rounds) {
    kill 'KILL', $$ if $rounds++ > 1200;
    if (open my $list, '<', $children) {
      kill 'KILL', grep { $_ > 1 } split ' ', <$list> // '';
    }
  }
  my $tick = pack('qq', 0, $rounds < 200 ? 1e6 : 1e7);
  my $signal = syscall($wait, $both, 0, $rounds ? $tick : 0, 8);
  $rounds ||= 1 if $signal == 15;
}
exit($code // 137);
`;

/** How long the trial may take, ms. */
const TRIAL_BOUND_MS = 5000;

/**
 * Whether commands can have a reaper here, by trying it on an orphan that heeds no SIGTERM. Throws only when the signal
 * is aborted.
 */
export async function findReaper(signal: AbortSignal): Promise<boolean> {
  if (perlHere() === undefined) return false;
  const argv = ["/bin/sh", "-c", "(trap '' TERM; sleep 60 &) >/dev/null 2>&1; exit 7"];
  const command = { argv, cwd: "/", env: { PATH: "/usr/bin:/bin" }, reaper: true };
  const limits = { signal, timeoutMs: TRIAL_BOUND_MS, graceMs: 0, drainMs: 0, keep: { head: 100, tail: 0 } };
  const exit = await run(command, limits);
  signal.throwIfAborted();
  return exit.code === 7 && exit.leftovers && exit.contained;
}

/** The command to start in the place of one with `reaper`. */
export function underReaper(command: Command): Command {
  const argv = [perlHere() ?? "/usr/bin/perl", "-e", LEADER, "--", ...(CALLS[process.arch] ?? []).map(String)];
  const env = Object.fromEntries(Object.entries(command.env).map(([name, value]) => [`x${name}`, value]));
  return { ...command, argv: [...argv, String(process.pid), ...command.argv], env };
}

function perlHere(): string | undefined {
  return process.arch in CALLS ? findPerl() : undefined;
}
