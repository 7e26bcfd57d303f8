<?php
// The workload of the `php` test: prints results of each extension. Usage: extensions.php ROUNDS
// Each extension is its own shared object with its own C libraries (ICU, libxml2, libzip, …), which
// is what makes PHP hard for an allocator: blocks cross between them.
declare(strict_types=1);

function digest(mixed $value): string
{
    return substr(hash('sha256', serialize($value)), 0, 16);
}

function core(int $n): array
{
    $rows = array_map(fn ($i) => ['id' => $i, 'name' => str_repeat("n$i", $i % 50)], range(1, 2000));
    usort($rows, fn ($a, $b) => [strlen($b['name']), $a['id']] <=> [strlen($a['name']), $b['id']]);
    $generated = (function () use ($n) { for ($i = 0; $i < 1000; $i++) yield $i * $n; })();
    preg_match_all('/n(\d+)n\1/', json_encode($rows), $found);
    return [digest($rows), array_sum(iterator_to_array($generated)), count($found[0]),
        digest(unserialize(serialize($rows))), strlen(gzcompress(json_encode($rows), 9))];
}

function mbstring(int $n): array
{
    $text = str_repeat("Grüße 日本語 Ελληνικά $n ", 200);
    return [mb_strlen($text), digest(mb_convert_encoding($text, 'UTF-16LE', 'UTF-8')),
        digest(mb_strtoupper($text)), mb_strrpos($text, '語'), mb_detect_encoding($text),
        digest(mb_str_split($text, 7)), mb_ereg_replace('(\w+) (\w+)', '\2 \1', "one two $n")];
}

function xml(int $n): array
{
    $document = new DOMDocument();
    $root = $document->appendChild($document->createElement('root'));
    for ($i = 0; $i < 500; $i++) {
        $child = $root->appendChild($document->createElement('item', "value $i"));
        $child->setAttribute('key', (string) ($i * $n));
    }
    $text = $document->saveXML();
    $found = (new DOMXPath($document))->query('//item[@key > 100 and position() mod 3 = 0]');
    $writer = new XMLWriter();
    $writer->openMemory();
    $writer->writeElement('a', $text);
    $reader = new XMLReader();
    $reader->XML($writer->outputMemory());
    $reader->read();
    libxml_use_internal_errors(true);
    simplexml_load_string('<broken><a></broken>');
    $parser = xml_parser_create();
    xml_parse_into_struct($parser, $text, $values);
    return [strlen($text), $found->length, strlen($reader->readString()), count($values),
        count(libxml_get_errors()), (string) simplexml_load_string($text)->item[7]];
}

function sqlite(int $n): array
{
    $database = new SQLite3(':memory:');
    $database->exec('CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)');
    $database->createFunction('twice', fn ($s) => $s . $s);
    $insert = $database->prepare('INSERT INTO t (s) VALUES (?)');
    for ($i = 0; $i < 500; $i++) {
        $insert->bindValue(1, "row $i $n");
        $insert->execute();
    }
    $pdo = new PDO('sqlite::memory:');
    $pdo->exec('CREATE TABLE u (x)');
    $pdo->prepare('INSERT INTO u VALUES (?)')->execute([str_repeat('y', 100000)]);
    return [$database->querySingle('SELECT max(length(twice(s))) FROM t'),
        digest($pdo->query('SELECT * FROM u')->fetchAll())];
}

function intl(int $n): array
{
    $collator = new Collator('de_DE');
    $words = ['Zebra', 'Äpfel', 'apfel', 'öl', 'Ofen', "n$n"];
    $collator->sort($words);
    $date = new IntlDateFormatter('fr_FR', IntlDateFormatter::FULL, IntlDateFormatter::SHORT, 'UTC');
    return [$words, (new NumberFormatter('de_CH', NumberFormatter::CURRENCY))->formatCurrency(
        1234567.891 * $n, 'CHF'), $date->format(86400 * 365 * $n),
        Normalizer::normalize("e\u{301}", Normalizer::FORM_C), idn_to_ascii('bücher.example'),
        MessageFormatter::formatMessage('en', '{0, plural, one{# file} other{# files}}', [$n]),
        transliterator_transliterate('Any-Latin; Latin-ASCII', 'Ελληνικά 日本'),
        iterator_count(IntlBreakIterator::createWordInstance('en')), grapheme_strlen('👩‍👩‍👧a')];
}

function gd(int $n): array
{
    $image = imagecreatetruecolor(300, 200);
    for ($i = 0; $i < 100; $i++) {
        imagefilledellipse($image, $i * 3, $i * $n % 200, 40, 30, imagecolorallocate($image, $i, 99, 7));
    }
    $rotated = imagescale(imagerotate($image, 30, 0), 150);
    $outputs = [];
    foreach (['imagepng', 'imagejpeg', 'imagegif', 'imagewebp'] as $encode) {
        ob_start();
        $encode($rotated);
        $outputs[$encode] = ob_get_clean();
    }
    $back = imagecreatefromstring($outputs['imagepng']);
    return [imagesx($back), imagecolorat($back, 70, 70), array_map(digest(...), $outputs)];
}

function curl(int $n): array
{
    $path = getcwd() . '/curl.txt';
    file_put_contents($path, str_repeat("line $n\n", 5000));
    $multi = curl_multi_init();
    $handles = array_map(fn () => curl_init("file://$path"), range(1, 4));
    foreach ($handles as $handle) {
        curl_setopt($handle, CURLOPT_RETURNTRANSFER, true);
        curl_multi_add_handle($multi, $handle);
    }
    do {
        curl_multi_exec($multi, $running);
    } while ($running);
    $refused = curl_init('http://127.0.0.1:1/');
    curl_exec($refused);
    return [array_map(fn ($handle) => digest(curl_multi_getcontent($handle)), $handles),
        curl_errno($refused), curl_escape($refused, 'a b&c')];
}

function zip(int $n): array
{
    $path = getcwd() . '/test.zip';
    $zip = new ZipArchive();
    $zip->open($path, ZipArchive::CREATE | ZipArchive::OVERWRITE);
    for ($i = 0; $i < 50; $i++) {
        $zip->addFromString("folder/file$i.txt", str_repeat("text $i ", $i * $n));
    }
    $zip->setEncryptionName('folder/file9.txt', ZipArchive::EM_AES_256, 'secret');
    $zip->close();
    $zip->open($path);
    $zip->setPassword('secret');
    return [$zip->numFiles, digest($zip->getFromName('folder/file9.txt')),
        digest(array_map(fn ($i) => $zip->getFromIndex($i), range(10, 40)))];
}

for ($n = 1; $n <= (int) $argv[1]; $n++) {
    foreach (['core', 'mbstring', 'xml', 'sqlite', 'intl', 'gd', 'curl', 'zip'] as $extension) {
        echo $n, ' ', $extension, ' ', json_encode($extension($n), JSON_UNESCAPED_UNICODE), "\n";
    }
}
echo gc_collect_cycles(), ' ', count(get_loaded_extensions()), "\n";
