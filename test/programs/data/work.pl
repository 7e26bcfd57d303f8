# The workload of the `perl` test. Usage: perl work.pl ROUNDS
use strict;
use warnings;
use threads;
use Digest::SHA qw(sha256_hex);
use Storable qw(freeze thaw dclone);
use Encode;
use Compress::Zlib;
use POSIX ();

sub one_round {
    my ($seed) = @_;
    my %words;
    push @{ $words{ $_ * $seed % 997 } }, "word $_" x ($_ % 9) for 1 .. 20_000;
    my $text = join "\n", map { "$_: @{ $words{$_} }" } sort { $a <=> $b } keys %words;
    my $count = () = $text =~ /\bword (\d+)(?=word \1)/g;
    (my $changed = $text) =~ s/(\d+)/sprintf '%x', $1/ge;
    my $copy = dclone(thaw(freeze(\%words)));
    my $wide = encode('UTF-16', decode('UTF-8', "Grüße 日本 $seed " x 500));
    delete @words{ grep { $_ % 2 } keys %words };
    my $code = eval 'sub { my $n = shift; ' . '$n += () = (1 .. 10); ' x 50 . '$n }';
    my @sorted = sort { substr($a, 3) cmp substr($b, 3) } split /\n/, $changed;
    my $packed = Compress::Zlib::memGzip($text);
    return sha256_hex(join '|', $count, $code->($seed), @sorted, scalar(keys %$copy),
        $wide, Compress::Zlib::memGunzip($packed) eq $text);
}

my ($rounds) = @ARGV;
$| = 1;
print one_round($_), "\n" for 1 .. $rounds;
my @threads = map { my $seed = $_; threads->create(sub { one_round($seed) }) } 1 .. 3;
print $_->join, "\n" for @threads;
for my $seed (1 .. 3) {
    my $pid = fork // die;
    if (!$pid) { print one_round($seed), "\n"; POSIX::_exit(7) }
    waitpid $pid, 0;
    print $? >> 8, "\n";
}
