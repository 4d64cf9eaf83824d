# Runs one program and tells what it cost, by the kernel's own account (wait4): perl is on every Debian machine, and Node
# has no RUSAGE_CHILDREN. CPU includes children the program has waited for; memory is that of the largest single process.
#   perl accounting.pl BYTES_PER_SECOND PROGRAM [ARGS...]     0: the program gets our own stdout
# A rate above 0 gives the program a pipe that is read no faster than that; what was read is passed on to stdout.
# On descriptor 3: "start PID NS", then "end NS USER_US SYSTEM_US MAX_RSS_KB WAIT_STATUS"; NS is CLOCK_MONOTONIC.
use strict;
use warnings;
use Config;

my ($clock, $wait4) = $Config{archname} =~ /aarch64/ ? (113, 260) : (228, 61);

sub now {
    my $time = "\0" x 16;
    syscall($clock, 1, $time);
    my ($seconds, $nanos) = unpack("q2", $time);
    return $seconds * 1_000_000_000 + $nanos;
}

my $rate = shift @ARGV;
open(my $report, ">&=", 3) or die "descriptor 3: $!";
$report->autoflush(1);
my ($from, $to);
if ($rate > 0) { pipe($from, $to) or die "pipe: $!" }
my $start = now();
my $pid = fork() // die "fork: $!";
if ($pid == 0) {
    close($report);
    if ($rate > 0) {
        close($from);
        open(STDOUT, ">&", $to) or die "dup: $!";
    }
    { exec { $ARGV[0] } @ARGV }
    die "$ARGV[0]: $!";
}
print $report "start $pid $start\n";
if ($rate > 0) {
    close($to);
    my $piece = 65_536;
    while ((my $length = sysread($from, my $bytes, $piece)) > 0) {
        syswrite(STDOUT, $bytes);
        select(undef, undef, undef, $length / $rate);
    }
}
my ($status, $usage) = (pack("i", 0), "\0" x 144);
syscall($wait4, $pid, $status, 0, $usage);
my $end = now();
my ($user_s, $user_us, $system_s, $system_us, $rss) = unpack("q5", $usage);
printf $report "end %d %d %d %d %d\n", $end, $user_s * 1_000_000 + $user_us, $system_s * 1_000_000 + $system_us, $rss,
    unpack("i", $status);
