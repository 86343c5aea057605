using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Generation;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Tasks;
using Atelier.Tasks.Text;
using Atelier.Tests.Data;
using Atelier.TestSupport;

namespace Atelier.Tests.Tasks.Text;

public sealed class TextEvaluatorTests
{
    private static readonly string[] Lines = [.. Enumerable.Range(0, 90)
        .Select(i => new string([.. Enumerable.Range(0, 3 + (i % 11))
        .Select(j => "abc好"[(i * (j + 3) + (j / 2)) % 4])]))];

    [Theory]
    [InlineData(4, 0)]
    [InlineData(4, 1)]
    [InlineData(6, 4)]
    [InlineData(int.MaxValue, 0)]
    public async Task Figures_are_those_of_a_plain_loop_over_windows(int context, int stride)
    {
        using var folder = new TemporaryFolder();
        using TextData data = Prepare(folder);
        using TextGenerator generator = Generator(data, context);
        var options = new EvaluationSection { Samples = 0, Stride = stride };
        EvaluationReport report =
            await TextEvaluator.EvaluateAsync(generator, data, EvaluationContext(generator, data, options));

        // Each token of each document by itself; a first-order chain sees one token back, wherever a window begins.
        double nats = 0, characters = 0, bytes = 0, tokens = 0, right = 0;
        var chain = (MarkovModel)generator.Model;
        for (int d = 0; d < data.Test.DocumentCount; d++)
        {
            DocumentEntry document = data.Test.Document(d);
            int[] ids = new int[document.Length];
            data.Test.Read(document.Start, ids);
            characters += document.Characters;
            bytes += document.Bytes;
            int previous = data.Facts.StartId;
            foreach (int id in ids)
            {
                nats -= Math.Log(chain.P(previous, id));
                right += Enumerable.Range(0, chain.VocabularySize)
                    .All(other => chain.P(previous, other) <= chain.P(previous, id)) ? 1 : 0;
                tokens++;
                previous = id;
            }
        }
        report.Metrics["crossEntropyPerToken"].Value.ShouldBe(nats / tokens, 1e-9);
        report.Metrics["crossEntropyPerCharacter"].Value.ShouldBe(nats / characters, 1e-9);
        report.Metrics["bitsPerByte"].Value.ShouldBe(nats / bytes / Math.Log(2), 1e-9);
        report.Metrics["perplexity"].Value.ShouldBe(Math.Exp(nats / tokens), 1e-6);
        report.Metrics["accuracy"].Value.ShouldBe(right / tokens, 1e-12);
        Metric entropy = report.Metrics["crossEntropyPerCharacter"];
        entropy.Value.ShouldBeInRange(entropy.Low, entropy.High);
        report.Baselines.Keys.ShouldBe(["ngram5"]);
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(4, 2)]
    [InlineData(5, 1)]
    public void Overlapping_windows_count_each_token_once_and_give_it_more_context(int context, int stride)
    {
        using var folder = new TemporaryFolder();
        using TextData data = Prepare(folder);
        using var seeing = new SeeingModel(data.Tokenizer.VocabularySize, context);
        IReadOnlyList<TextScore> scores = new TextScorer(data.Test, data.Tokenizer, data.Facts.StartId, context, stride)
            .Score(seeing, null, CancellationToken.None);
        scores.Count.ShouldBe((int)data.Test.DocumentCount);
        scores.Sum(s => s.Tokens).ShouldBe(data.Test.Count);
        for (int d = 0; d < scores.Count; d++)
        {
            long length = data.Test.Document(d).Length;
            scores[d].Tokens.ShouldBe(length);
            double expected = Enumerable.Range(1, (int)length)
                .Sum(t => t <= context ? t : stride == 0 ? ((t - 1) % context) + 1
                : context - stride + ((t - context - 1) % stride) + 1);
            scores[d].Nats.ShouldBe(expected, 1e-9);
        }
    }

    [Fact]
    public void Blocks_of_a_long_text_are_the_same_whatever_the_tokenizer()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("long.txt",
            string.Concat(Enumerable.Range(0, 900).Select(i => $"sentence {i * 7} is 好 of number {i % 13}.\n")));
        List<IReadOnlyList<TextScore>> scores = [];
        foreach ((TokenizerKind kind, int vocabulary) in new[] { (TokenizerKind.Character, 4096),
            (TokenizerKind.Byte, 4096), (TokenizerKind.Bpe, 600) })
        {
            using TextData data = TextData.Prepare(
                new DataSection { Source = path, Split = new() { Train = 0.5, Validation = 0, Test = 0.5 },
                    Tokenizer = new() { Kind = kind, VocabularySize = vocabulary } }, 1, folder[$"data-{kind}"]);
            using var model = new SeeingModel(data.Tokenizer.VocabularySize, 16);
            scores.Add(new TextScorer(data.Test, data.Tokenizer, data.Facts.StartId, 16, 0)
                .Score(model, null, CancellationToken.None));
        }
        scores[0].Count.ShouldBeGreaterThan(29);
        foreach (IReadOnlyList<TextScore> other in scores.Skip(1))
        {
            other.Count.ShouldBe(scores[0].Count);
            for (int i = 0; i < other.Count; i++)
                Math.Abs(other[i].Characters - scores[0][i].Characters)
                    .ShouldBeLessThan(20, "a token at most is on the other side");
        }
    }

    [Fact]
    public async Task A_report_reads_back_and_tells_people_and_scripts_the_same()
    {
        using var folder = new TemporaryFolder();
        using TextData data = Prepare(folder);
        using TextGenerator generator = Generator(data, 16);
        EvaluationReport report = await TextEvaluator.EvaluateAsync(
            generator, data, EvaluationContext(generator, data, new() { Samples = 3, SampleTokens = 12 }) with
            {
                Run = "my run", Picture = folder["evaluation.png"],
            });
        EvaluationReport read = EvaluationReport.FromJson(report.ToJson());
        read.Metrics["accuracy"].ShouldBe(report.Metrics["accuracy"]);
        read.Samples.ShouldBe(report.Samples);
        report.ToJson().ShouldContain("\"newEightGrams\"");
        string markdown = report.ToMarkdown();
        markdown.ShouldContain("my run");
        markdown.ShouldContain("| crossEntropyPerCharacter (nats) |");
        markdown.ShouldContain("(plots/evaluation.png)");
        File.ReadAllBytes(folder["evaluation.png"])[1..4].ShouldBe("PNG"u8.ToArray());
    }

    [Fact]
    public async Task A_model_of_another_vocabulary_and_data_without_held_out_text_are_refused()
    {
        using var folder = new TemporaryFolder();
        using TextData data = Prepare(folder);
        using var other = new TextGenerator(MarkovModel.Random(99, 1), data.Tokenizer, new(), 0);
        (await Should.ThrowAsync<AtelierException>(() =>
            TextEvaluator.EvaluateAsync(other, data,
            EvaluationContext(other, data, new())))).Message.ShouldContain("99 tokens");
        using TextData all = TextData.Prepare(
            new DataSection { Source = folder.Write("x.txt", string.Join('\n', Lines)), Document = DocumentUnit.Line,
                Split = new() { Train = 1, Validation = 0, Test = 0 } }, 1, folder["all"]);
        using TextGenerator generator = Generator(all, 16);
        (await Should.ThrowAsync<AtelierException>(() =>
            TextEvaluator.EvaluateAsync(generator, all,
            EvaluationContext(generator, all, new())))).Message.ShouldContain("no held-out text");
    }

    private static TextData Prepare(TemporaryFolder folder) => TextData.Prepare(
        new DataSection
        {
            Source = folder.Write("lines.txt", string.Join('\n', Lines)),
            Document = DocumentUnit.Line,
            Split = new() { Train = 0.5, Validation = 0.1, Test = 0.4 },
            Tokenizer = new() { ByteFallback = false },
        }, 1, folder["data"]);

    private static TextGenerator Generator(TextData data, int context) =>
        new(MarkovModel.Random(data.Tokenizer.VocabularySize, 3, context), data.Tokenizer, new() { MaxTokens = 10 },
            data.Facts.StartId);

    /// <summary>A model whose surprise at a token is the number of tokens that it saw before it.</summary>
    private sealed class SeeingModel(int vocabulary, int context) : ILanguageModel
    {
        public int VocabularySize => vocabulary;

        public int ContextLength => context;

        public IDecodingState CreateState(int sequences) => throw new InvalidOperationException("not sampled");

        public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
            CancellationToken cancellation = default)
        {
            sequences.ShouldAllBe(s => s.Length <= context + 1);
            return [.. sequences.Select(s =>
                Enumerable.Range(1, s.Length - 1).Select(seen => new TokenScore(-seen, false)).ToArray())];
        }

        public void Dispose()
        {
        }
    }

    private static EvaluationContext EvaluationContext(TextGenerator generator, TextData data,
        EvaluationSection options) =>
        new(generator, data, options, "run", 1, Picture: null) { Families = ModelFamilies.All };
}
