using System.IO.Compression;
using System.Text;
using Atelier.Data.Pairs;
using Atelier.Recipes;

namespace Atelier.Tests.Data.Pairs;

/// <summary>A folder in which a test writes sources of pairs and prepares them.</summary>
internal sealed class PairFolder : IDisposable
{
    private int _prepared;

    public TemporaryFolder Files { get; } = new();

    /// <summary>Writes a text; packed by gzip if the name ends with .gz.</summary>
    public string Write(string name, string text)
    {
        if (!name.EndsWith(".gz", StringComparison.Ordinal))
            return Files.Write(name, text);
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return Files.Write(name, packed.ToArray());
    }

    public string Lines(string name, IEnumerable<string> lines) =>
        Write(name, string.Concat(lines.Select(line => line + "\n")));

    /// <summary>Prepares a source in a folder of its own.</summary>
    public PairData Prepare(string source, PairsSection? pairs = null, SplitSection? split = null,
        TokenizerSection? tokenizer = null, long seed = 1)
    {
        var section = new DataSection
        {
            Source = source,
            Pairs = pairs ?? new(),
            Split = split ?? SplitSection.None,
            Tokenizer = tokenizer ?? new(),
        };
        return PairData.Prepare(section, seed, Files[$"prepared{_prepared++}"]);
    }

    public static TextPair[] Texts(PairFile file) => [.. Enumerable.Range(0, file.Count).Select(i => file[i])];

    public void Dispose() => Files.Dispose();
}
