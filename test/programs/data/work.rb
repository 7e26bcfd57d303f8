# The workload of the `ruby` test. Usage: ruby work.rb ROUNDS
require 'digest'
require 'json'
require 'openssl'
require 'set'
require 'yaml'
require 'zlib'

def round(seed)
  records = (1..3000).map { |i| { 'id' => i, 'text' => "t#{i * seed}" * (i % 20), 'list' => [i, nil] } }
  copy = JSON.parse(JSON.generate(records))
  copy = Marshal.load(Marshal.dump(copy))
  copy = YAML.safe_load(copy.first(200).to_yaml)
  packed = Zlib::Deflate.deflate(records.inspect)
  text = Zlib::Inflate.inflate(packed)
  found = text.scan(/t(\d+)t\1/).flatten.tally.sort.first(10)
  big = (1..300).inject(seed) { |product, i| product * i }
  fiber = Fiber.new { 500.times { |i| Fiber.yield('f' * i) } }
  fibers = Array.new(500) { fiber.resume.size }.sum
  cipher = OpenSSL::Cipher.new('aes-128-gcm').encrypt
  cipher.key = 'k' * 16
  cipher.iv = 'i' * 12
  symbols = (1..500).map { |i| "symbol_#{seed}_#{i}".to_sym }.to_set.size
  Digest::SHA256.hexdigest([copy, found, big, fibers, symbols, cipher.update(text)].inspect)
end

rounds = ARGV[0].to_i
$stdout.sync = true
rounds.times { |seed| puts round(seed + 1) }
puts((1..4).map { |seed| Thread.new { round(seed) } }.map(&:value))
GC.stress = true
puts (1..20).map { |i| "stress #{i}" * i }.join.size
GC.stress = false
GC.compact if GC.respond_to?(:compact)
puts round(rounds)
pid = fork { puts round(9); exit!(3) }
Process.wait(pid)
puts $?.exitstatus
