# The load of the job `ruby`. Usage: ruby work.rb ROUNDS
require 'json'

Record = Struct.new(:number, :name, :tags)

def work(seed)
  records = (1..20_000).map do |i|
    number = seed * 1000 + i
    tags = [3, 5, 7].map { |step| "tag#{number % step}" }
    Record.new(number, "name-#{number * 7919 % 100_003}", tags)
  end
  by_tag = records.group_by { |record| record.tags.join('-') }
  text = JSON.generate(records.map(&:to_h))
  again = JSON.parse(text)
  words = text.scan(/[a-z]+\d+/).tally
  lines = again.map { |item| item['name'] * (item['number'] % 7) }.sort
  lines.join("\n").size + words.values.sum + by_tag.size
end

puts (0...ARGV[0].to_i).map { |seed| work(seed) }.join(' ')
