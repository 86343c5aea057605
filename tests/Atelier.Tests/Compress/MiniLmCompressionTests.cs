using System.IO.Compression;
using Atelier.Abstractions;
using Atelier.Compress;
using Atelier.TestSupport;
using Atelier.Tests.Data;
using Atelier.Tests.Evaluation;

namespace Atelier.Tests.Compress;

/// <summary>The published all-MiniLM-L6-v2, where its weights are.</summary>
public sealed class MiniLmCompressionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task In_4_bits_the_similarities_of_sentences_stay_nearly_the_same()
    {
        string weights = Path.GetDirectoryName(DataFolder.File("weights", "minilm", "config.json"))!;
        var workshop = new Workshop();
        workshop.Import(weights, null, _folder["minilm"]);
        string captions = _folder.Write("captions.txt", string.Join('\n', Captions("train").Take(200)));
        CompressionReport report = await workshop.CompressAsync(_folder["minilm"], _folder["small"],
            new CompressionOptions { Type = "q4", Calibration = captions, Against = captions });
        report.Similarity!.Value.ShouldBeInRange(0.97, 1);
        foreach (CompressionFigures figures in (CompressionFigures[])[report.Before, report.After]) // mapped files
            (figures.MemoryBytes / (double)figures.Bytes).ShouldBe(1, 0.01);
        string[] sentences = [.. Captions("test_2016_flickr").Take(200)];
        double[] before = Similarities("minilm"), after = Similarities("small");
        TestContext.Current.SendDiagnosticMessage(
            $"{Correlations.Pearson(before, after):F4}, of ranks {Correlations.Spearman(before, after):F4}");
        new FileInfo(_folder["small/model.gguf"]).Length.ShouldBeLessThan(13_000_000);
        Correlations.Pearson(before, after).ShouldBeGreaterThan(0.99);
        Correlations.Spearman(before, after).ShouldBeGreaterThan(0.98);

        double[] Similarities(string bundle)
        {
            using ITrainedModel model = workshop.Open(_folder[bundle], new OpenOptions { Device = "cpu" });
            IReadOnlyList<float[]> vectors = model.As<ITextEmbedder>()!.Embed(sentences);
            return [.. Enumerable.Range(0, sentences.Length).SelectMany(i => Enumerable.Range(0, i)
                .Select(j => vectors[i].Zip(vectors[j], (a, b) => (double)a * b).Sum()))];
        }
    }

    private static IEnumerable<string> Captions(string part)
    {
        using var reader = new StreamReader(new GZipStream(
            File.OpenRead(DataFolder.File("multi30k", $"{part}.lc.norm.tok.en.gz")), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
            yield return line;
    }
}
