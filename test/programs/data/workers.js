// The workload of the `nodejs` test: worker threads that allocate, hash, compress, encrypt and send
// buffers to and fro; prints one digest a worker. Usage: node workers.js WORKERS ROUNDS
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto');
const zlib = require('zlib');
const { pipeline } = require('stream/promises');
const { Readable } = require('stream');

const deriveKey = (text) => crypto.scryptSync(text, 'salt', 32, { N: 1024 });

async function compressAndBack(buffer) {
    const parts = [];
    await pipeline(Readable.from([buffer.subarray(0, 1000), buffer.subarray(1000)]),
        zlib.createGzip(), zlib.createGunzip(), zlib.createBrotliCompress({ params: {
            [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }), zlib.createBrotliDecompress(),
        async (source) => { for await (const part of source) parts.push(part); });
    return Buffer.concat(parts);
}

async function round(id, i) {
    const records = Array.from({ length: 500 }, (_, n) => ({ id, n, text: 'x'.repeat(n % 97),
        nested: { list: [n, i, n * i], map: { ['key' + n]: String(n * 7919) } } }));
    const json = JSON.stringify(JSON.parse(JSON.stringify(records)));
    const plain = await compressAndBack(Buffer.from(json));
    const cipher = crypto.createCipheriv('aes-256-cbc', deriveKey(`${id}`), Buffer.alloc(16, i));
    const secret = Buffer.concat([cipher.update(plain), cipher.final()]);
    const map = new Map(records.map((r) => [`${r.n}`, structuredClone(r)]));
    const matches = json.match(/"key\d*7":"(\d+)"/g).length;
    return crypto.createHash('sha256').update(secret).update(`${map.size} ${matches}`).digest();
}

// Each worker answers each buffer that it is sent with a transferred one of another size.
async function work() {
    const { id, rounds } = workerData;
    const hash = crypto.createHash('sha256');
    for (let i = 0; i < rounds; ++i) hash.update(await round(id, i));
    parentPort.on('message', (buffer) => {
        if (buffer === null) {
            parentPort.postMessage(hash.digest('hex'));
            parentPort.close();
            return;
        }
        hash.update(new Uint8Array(buffer));
        const answer = new Uint8Array(buffer.byteLength / 2).fill(id);
        parentPort.postMessage(answer.buffer, [answer.buffer]);
    });
}

function startWorker(id, rounds) {
    return new Promise((resolve, reject) => {
        const worker = new Worker(__filename, { workerData: { id, rounds } });
        let size = 1 << 20;
        const send = () => {
            if (size < 16) return worker.postMessage(null);
            const buffer = new Uint8Array(size).map((_, n) => n * id).buffer;
            worker.postMessage(buffer, [buffer]);
        };
        worker.on('message', (answer) => {
            if (typeof answer === 'string') return resolve(`worker ${id} ${answer}`);
            size = answer.byteLength;
            send();
        });
        worker.on('error', reject);
        send();
    });
}

async function main() {
    const [workers, rounds] = process.argv.slice(2).map(Number);
    const started = Array.from({ length: workers }, (_, id) => startWorker(id + 1, rounds));
    for (const line of await Promise.all(started)) console.log(line);
    const stopped = new Worker('for (;;) JSON.stringify(new Array(1000).fill({}))', { eval: true });
    setTimeout(async () => console.log('terminated', await stopped.terminate()), 200);
}

(isMainThread ? main : work)();
