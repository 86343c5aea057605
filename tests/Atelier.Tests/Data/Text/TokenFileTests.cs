using Atelier.Data.Text;
using CsCheck;

namespace Atelier.Tests.Data.Text;

public sealed class TokenFileTests
{
    private static string Write(TemporaryFolder folder, int vocabularySize, int? end, params int[][] documents)
    {
        string path = folder["x.tokens"];
        TokenFileWriter.Write(path, vocabularySize, end, writer =>
        {
            foreach (int[] document in documents)
            {
                writer.Add(document, document.Length, 3 * document.Length);
                writer.EndDocument();
            }
        });
        return path;
    }

    [Theory]
    [InlineData(65_536)]
    [InlineData(65_537)]
    public void Given_any_documents_when_written_and_read_then_tokens_and_entries_are_the_same(int vocabularySize)
    {
        using var folder = new TemporaryFolder();
        Gen.Int[1, vocabularySize - 1].Array[1, 700].Array[0, 6].Sample(documents =>
        {
            using TokenFile file = TokenFile.Open(Write(folder, vocabularySize, 0, documents));
            int[] expected = [.. documents.SelectMany(d => d.Append(0))];
            var read = new int[expected.Length + 3];
            file.Read(0, read).ShouldBe(expected.Length);
            read[..expected.Length].ShouldBe(expected);
            file.Count.ShouldBe(expected.Length);
            file.DocumentCount.ShouldBe(documents.Length);
            file.Characters.ShouldBe(expected.Length);
            file.Bytes.ShouldBe(documents.Sum(d => 3 * d.Length + 1));
            long start = 0;
            for (int i = 0; i < documents.Length; i++)
            {
                long length = documents[i].Length + 1;
                file.Document(i).ShouldBe(new DocumentEntry(start, length, length, 3 * length - 2));
                file.DocumentAt(start).ShouldBe(i);
                file.DocumentAt(start + length - 1).ShouldBe(i);
                start += length;
            }
        }, iter: 30, threads: 1);
    }

    [Fact]
    public void A_vocabulary_of_16_bits_takes_two_bytes_a_token_and_a_larger_one_four()
    {
        using var folder = new TemporaryFolder();
        var document = new int[1000];
        long narrow = new FileInfo(Write(folder, 65_536, null, document)).Length;
        long wide = new FileInfo(Write(folder, 65_537, null, document)).Length;
        (wide - narrow).ShouldBe(2000);
    }

    [Fact]
    public void Given_writing_that_fails_then_the_old_file_stays_and_nothing_else_is_left()
    {
        using var folder = new TemporaryFolder();
        string path = Write(folder, 10, 0, [1, 2]);
        byte[] before = File.ReadAllBytes(path);
        Should.Throw<InvalidOperationException>(() => TokenFileWriter.Write(path, 10, 0, writer =>
        {
            writer.Add([1], 1, 1);
            throw new InvalidOperationException();
        }));
        File.ReadAllBytes(path).ShouldBe(before);
        Directory.GetFiles(folder.Path).ShouldBe([path]);
    }

    [Fact]
    public void Given_a_file_cut_anywhere_then_it_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] whole = File.ReadAllBytes(Write(folder, 10, 0, [1, 2, 3], [4, 5]));
        for (int length = 0; length < whole.Length; length++)
        {
            string path = folder.Write("cut.tokens", whole[..length]);
            Should.Throw<AtelierException>(() => TokenFile.Open(path)).Where.ShouldBe(path);
        }
    }

    [Fact]
    public void Given_a_byte_of_header_or_index_changed_then_the_file_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] whole = File.ReadAllBytes(Write(folder, 10, 0, [1, 2, 3], [4, 5]));
        const int Tokens = 7 * 2;
        for (int i = 0; i < whole.Length; i++)
        {
            if (i is >= 128 and < 128 + Tokens + 2)
                continue;
            byte[] changed = [.. whole];
            changed[i] ^= 0x41;
            string path = folder.Write("changed.tokens", changed);
            Should.Throw<AtelierException>(() => TokenFile.Open(path).Dispose(), $"byte {i}");
        }
    }

    [Fact]
    public void Given_a_token_beyond_the_vocabulary_then_reading_it_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] whole = File.ReadAllBytes(Write(folder, 10, 0, [1, 2, 3]));
        whole[128] = 10;
        using TokenFile file = TokenFile.Open(folder.Write("changed.tokens", whole));
        Should.Throw<AtelierException>(() => file.Read(0, new int[1])).Message.ShouldContain("10");
    }
}
