// The load of the job `node`: what Node.js takes from malloc is mostly buffers, compression and the
// compiler; its objects live in a heap of its own. Usage: node work.js ROUNDS
const zlib = require('zlib');

function work(seed) {
  const records = [];
  for (let i = 0; i < 20000; ++i) {
    const number = seed * 1000 + i;
    const name = `name-${(number * 7919) % 100003}`;
    records.push({ number, name, tags: [number % 3, number % 5] });
  }
  const text = JSON.stringify(records);
  const again = JSON.parse(text);
  const packed = zlib.deflateSync(text, { level: 1 });
  const unpacked = zlib.inflateSync(packed).toString();
  const buffers = [];
  for (let i = 0; i < 20000; ++i) {
    const buffer = Buffer.allocUnsafeSlow(16 + ((i * 7919) % 5000));
    buffer.fill(i & 255);
    buffers[i % 2000] = buffer;
  }
  const joined = Buffer.concat(buffers);
  return unpacked.length + again.length + joined.length;
}

const results = [];
for (let seed = 0; seed < Number(process.argv[2]); ++seed) results.push(work(seed));
console.log(results.join(' '));
