// The workload of the `java` test: threads, direct buffers, files by NIO, compression (zlib is native
// code), class loading and garbage; prints digests. Usage: java Work.java THREADS ROUNDS
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

public class Work {
    // Native memory of many sizes; half is left to the garbage collector's cleaners.
    static long directBuffers(int seed) {
        CRC32 crc = new CRC32();
        List<ByteBuffer> kept = new ArrayList<>();
        for (int i = 1; i < 300; ++i) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(i * 7919 % 100_000 + 1);
            while (buffer.hasRemaining()) buffer.put((byte) (seed + buffer.position()));
            crc.update(buffer.flip());
            if (i % 2 == 0) kept.add(buffer);
        }
        return crc.getValue() + kept.size();
    }

    static int compression(int seed) throws Exception {
        byte[] input = IntStream.range(0, 20_000).mapToObj(i -> "line " + i * seed)
            .reduce(new StringBuilder(), StringBuilder::append, StringBuilder::append)
            .toString().getBytes();
        Deflater deflater = new Deflater();
        deflater.setInput(input);
        deflater.finish();
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        byte[] part = new byte[4096];
        while (!deflater.finished()) packed.write(part, 0, deflater.deflate(part));
        deflater.end();
        Inflater inflater = new Inflater();
        inflater.setInput(packed.toByteArray());
        int size = 0;
        while (!inflater.finished()) size += inflater.inflate(part);
        inflater.end();
        return size == input.length ? packed.size() : -1;
    }

    static long files(Path folder, int seed) throws Exception {
        Path path = folder.resolve("file" + seed);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE,
                StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            for (int i = 0; i < 50; ++i) channel.write(ByteBuffer.wrap(("row " + i + "\n").repeat(seed + 1)
                .getBytes()));
            var mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
            CRC32 crc = new CRC32();
            crc.update(mapped);
            return crc.getValue();
        } finally {
            Files.deleteIfExists(path);
        }
    }

    interface Shape { int area(int side); }

    static int proxies(int seed) {
        Shape shape = (Shape) Proxy.newProxyInstance(Work.class.getClassLoader(),
            new Class<?>[] {Shape.class}, (self, method, args) -> seed * (Integer) args[0]);
        return IntStream.range(0, 1000).map(shape::area).sum();
    }

    static String one(Path folder, int seed, int rounds) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (int i = 0; i < rounds; ++i) {
            String line = directBuffers(seed + i) + " " + compression(seed + i) + " "
                + files(folder, seed) + " " + proxies(seed + i);
            digest.update(line.getBytes());
        }
        return "thread " + seed + " " + HexFormat.of().formatHex(digest.digest());
    }

    public static void main(String[] args) throws Exception {
        int threads = Integer.parseInt(args[0]);
        int rounds = Integer.parseInt(args[1]);
        Path folder = Files.createTempDirectory(Path.of("."), "work");
        var pool = Executors.newFixedThreadPool(threads);
        List<Future<String>> results = new ArrayList<>();
        for (int i = 0; i < threads; ++i) {
            int seed = i;
            results.add(pool.submit(() -> one(folder, seed, rounds)));
        }
        for (Future<String> result : results) System.out.println(result.get());
        pool.shutdown();
        for (int i = 0; i < 20; ++i) {
            Thread thread = new Thread(() -> directBuffers(1));
            thread.start();
            thread.join();
        }
        System.gc();
        System.out.println("done");
    }
}
