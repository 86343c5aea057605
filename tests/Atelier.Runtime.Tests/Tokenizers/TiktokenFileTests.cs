using System.Text;
using System.Text.Json.Nodes;
using Atelier.Runtime.Tests.Formats;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Tokenizers;

/// <summary>OpenAI's tiktoken files.</summary>
public sealed class TiktokenFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void OpenAIs_vocabularies_give_the_ids_of_tiktoken()
    {
        string? package = Environment.GetEnvironmentVariable("ATELIER_TIKTOKEN");
        Assert.SkipWhen(string.IsNullOrEmpty(package), "ATELIER_TIKTOKEN is not set");
        JsonNode golden = TokenizerFeatureTests.Run("tiktoken_files.mjs", package!, _folder, "300");
        List<string> differing = [];
        foreach (JsonNode? encoding in golden["encodings"]!.AsArray())
        {
            Tokenizer tokenizer = TokenizerFile.Load(Path.Combine(_folder, $"{encoding!["name"]}.tiktoken"));
            foreach ((int i, JsonNode? text) in golden["texts"]!.AsArray().Index())
            {
                int[] theirs = [.. encoding["ids"]![i]!.AsArray().Select(id => (int)id!)];
                int[] ours = tokenizer.Encode((string)text!);
                if (!ours.SequenceEqual(theirs))
                    differing.Add($"{encoding["name"]}: '{text}' is {string.Join(' ', ours)}, not "
                        + string.Join(' ', theirs));
                if (tokenizer.DecodeText(theirs) != (string)text!)
                    differing.Add($"{encoding["name"]}: '{text}' is decoded as '{tokenizer.DecodeText(theirs)}'");
            }
        }
        differing.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("abc abd", "abc| ab|d")]
    [InlineData("xyz", "xyz")] // no merge leads to "xyz": it is reached as a whole word alone
    [InlineData("xyz1", "xyz|1")]
    [InlineData("12 ab", "1|2| ab")]
    public void Tokens_are_reached_by_merges_of_lower_ranks_or_as_whole_words(string text, string tokens)
    {
        Tokenizer tokenizer = Read(Write());
        tokenizer.Encode(text).Select(id => tokenizer.DecodeText([id])).ShouldBe(tokens.Split('|'));
    }

    [Theory]
    [InlineData("mine", "IQ== 0", "known are r50k_base.tiktoken")]
    [InlineData("cl100k_base", "IQ== 0\nIQ==", ":2")]
    [InlineData("cl100k_base", "IQ== 0\n!!!! 1", ":2")]
    [InlineData("cl100k_base", "IQ== 0\nIQ== 1", ":2")]
    [InlineData("cl100k_base", "IQ== 0\nIg== -1", ":2")]
    [InlineData("cl100k_base", "IQ== 0", "is not a token")]
    public void What_is_not_read_is_refused_by_name(string name, string content, string named)
    {
        string path = Path.Combine(_folder, name + ".tiktoken");
        File.WriteAllText(path, content);
        Should.Throw<AtelierException>(() => TokenizerFile.Load(path)).ToLine().ShouldContain(named);
    }

    [Fact]
    public void Ten_thousand_spoiled_files_give_one_clear_line_or_a_tokenizer()
    {
        string path = Write();
        byte[] good = File.ReadAllBytes(path);
        Mutations.Try(10_000, good, path, isJson: false, () => _ = Read(path).VocabularySize)
            .ShouldBeGreaterThan(5000);
    }

    private static Tokenizer Read(string path) => TiktokenFile.Read(path, "llama-bpe", (TokenTable.EndOfText, 261));

    private string Write()
    {
        IEnumerable<byte[]> all = Enumerable.Range(0, 256).Select(value => new[] { (byte)value })
            .Concat(((string[])["ab", "abc", " a", " ab", "xyz"]).Select(Encoding.UTF8.GetBytes));
        string path = Path.Combine(_folder, "small.tiktoken");
        File.WriteAllLines(path, all.Select((bytes, rank) => $"{Convert.ToBase64String(bytes)} {rank}"));
        return path;
    }
}
