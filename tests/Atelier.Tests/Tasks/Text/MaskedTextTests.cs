using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Generation;
using Atelier.Models;
using Atelier.Models.Bert;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Training;

namespace Atelier.Tests.Tasks.Text;

public sealed class MaskedTextTests
{
    private static readonly string[] Sentences =
        ["the cat sat on the mat", "the dog ran to the house", "a bird sang in a tree"];

    // documents of two sentences, so that those held out differ from those learned
    private static readonly string[] Lines = [.. Enumerable.Range(0, 200).Select(i =>
        $"{Sentences[i % 3]}. {Sentences[i / 3 % 3]}{new string('.', i % 4)}")];

    private static Recipe Learned { get; } = new()
    {
        Model = new("bert", new BertConfig { LayerCount = 2, HeadCount = 2, HiddenSize = 32, ContextLength = 20,
            Dropout = 0, AttentionDropout = 0, Masking = MaskingUnit.WholeWord }),
        Training = new()
        {
            BatchSize = 16, Steps = 500, EvaluateEvery = 250, SampleEvery = 500, CheckpointEvery = 0,
            ReportEvery = 100, Precision = Precision.Fp32, Threads = 1,
            Optimizer = new() { LearningRate = 0.004 },
        },
        Generation = new() { Decoding = new() { MaxTokens = 22 } },
    };

    [Fact]
    public async Task A_repeating_text_is_learned_filled_in_and_judged()
    {
        using var folder = new TemporaryFolder();
        using TextData data = Prepare(folder, TokenizerKind.WordPiece);
        var family = new BertFamily();
        var shown = new List<string>();
        using Run run = Run.Create(folder["run"], Learned);
        TrainingReport report = await family.CreateLearner(Learned, data).LearnAsync(run,
            new Told(progress => shown.AddRange(progress.Sample is { } sample ? [sample] : [])),
            CancellationToken.None);
        report.Metrics["validationLoss"].ShouldBeLessThan(0.3);
        shown.ShouldContain(sample => sample.Contains("[MASK]", StringComparison.Ordinal)
            && sample.Contains("\n→ ", StringComparison.Ordinal));

        Bundle bundle = Bundle.Open(run.BundleFolder);
        bundle.ModelType.ShouldBe("bert");
        using ITrainedModel model = family.Load(bundle, "cpu");
        var infiller = model.Require<IInfiller>();
        infiller.Infill("The [MASK] sat on the mat. The dog ran to the house.").Text
            .ShouldBe("the cat sat on the mat. the dog ran to the house.");
        infiller.PseudoLogLikelihood("the dog ran to the house. a bird sang in a tree.")
            .ShouldBeGreaterThan(infiller.PseudoLogLikelihood("the cat ran on the tree. a bird sat in a house.") + 2);

        var task = new TextTask();
        task.Evaluates(model).ShouldBeTrue();
        task.RequestOptions(model).Select(option => option.Field).ShouldBe(["prompt", "count", "sampler", "steps",
            "out", "maxTokens", "temperature", "topK", "topP", "minP", "typicalP"]);
        var options = new EvaluationSection { Samples = 3, SampleTokens = 22, BootstrapSamples = 100 };
        EvaluationReport judged = await task.EvaluateAsync(
            new EvaluationContext(model, data, options, "run", 1, Picture: null), null, CancellationToken.None);
        judged.Metrics["maskedCrossEntropy"].Value.ShouldBeLessThan(0.4);
        judged.Metrics["maskedAccuracy"].Value.ShouldBeGreaterThan(0.8);
        judged.Metrics["pseudoPerplexity"].Value.ShouldBeLessThan(2);
        judged.Comparisons["unigram"].Outcome.ShouldBe(ComparisonOutcome.Beaten);
        judged.Samples.Count().ShouldBe(6);
        EvaluationReport.FromJson(judged.ToJson()).ToMarkdown().ShouldBe(judged.ToMarkdown());
    }

    [Fact]
    public async Task The_baseline_is_the_frequency_of_tokens_in_the_training_part()
    {
        using var folder = new TemporaryFolder();
        using TextData data = Prepare(folder);
        using var uniform = new MaskedTextGenerator(new Uniform(data.Tokenizer.VocabularySize + 1), data.Tokenizer,
            new(data.Tokenizer.VocabularySize) { BeginId = 0, EndId = 0 }, new());
        EvaluationReport report = await new TextTask().EvaluateAsync(
            new EvaluationContext(uniform, data, new() { Samples = 0 }, "run", 1, Picture: null), null,
            CancellationToken.None);
        int[] train = Ids(data.Train), test = Ids(data.Test);
        double Count(int id) => train.Count(other => other == id) + 1;
        double total = Enumerable.Range(0, data.Tokenizer.VocabularySize)
            .Where(id => id != data.Tokenizer.EndOfTextId).Sum(Count);
        report.Baselines["unigram"]["maskedCrossEntropy"].Value
            .ShouldBe(test.Average(id => -Math.Log(Count(id) / total)), 1e-9);
        int likeliest = train.GroupBy(id => id).MaxBy(group => group.Count())!.Key;
        report.Baselines["unigram"]["maskedAccuracy"].Value
            .ShouldBe(test.Count(id => id == likeliest) / (double)test.Length, 1e-9);
        report.Metrics["maskedCrossEntropy"].Value.ShouldBe(Math.Log(data.Tokenizer.VocabularySize + 1), 1e-6);
        report.Metrics["pseudoPerplexity"].Value.ShouldBe(data.Tokenizer.VocabularySize + 1, 1e-4);
        report.Comparisons["unigram"].Outcome.ShouldBe(ComparisonOutcome.NotBeaten);

        int[] Ids(TokenFile file)
        {
            int[] ids = new int[file.Count];
            file.Read(0, ids);
            return [.. ids.Where(id => id != file.EndOfTextId)];
        }
    }

    [Theory]
    [InlineData("bert", TokenizerKind.WordPiece)]
    [InlineData("t5", TokenizerKind.Unigram)]
    public void What_fills_in_a_users_text_learns_words_and_for_longer_than_what_continues_it(string name,
        TokenizerKind kind)
    {
        using var folder = new TemporaryFolder();
        string text = folder.Write("lines.txt", string.Join('\n', Lines));
        Recipe filling = Advised(name), continuing = Advised("gpt");
        filling.Data.Tokenizer.Kind.ShouldBe(kind);
        filling.Training.Steps!.Value.ShouldBeGreaterThan(3 * continuing.Training.Steps!.Value);
        filling.Training.Optimizer.Name.ShouldBe(name == "t5" ? OptimizerName.Adafactor : OptimizerName.AdamW);

        Recipe Advised(string name)
        {
            IModelFamily family = ModelFamilies.All.Single(family => family.Name == name);
            return RecipeReader.Parse("", "advice", ModelFamilies.All, new TextTask().Advise(text, family).Overrides);
        }
    }

    [Fact]
    public void Roberta_needs_a_padding_token_of_its_own()
    {
        using var folder = new TemporaryFolder();
        using TextData data = Prepare(folder);
        var recipe = new Recipe { Model = new("bert", new BertConfig { Layout = BertLayout.Roberta }) };
        Should.Throw<AtelierException>(() => new BertFamily().CreateLearner(recipe, data)).Where
            .ShouldBe("model.layout");
    }

    private static TextData Prepare(TemporaryFolder folder, TokenizerKind kind = TokenizerKind.Character) =>
        TextData.Prepare(new DataSection
        {
            Source = folder.Write("lines.txt", string.Join('\n', Lines)),
            Document = DocumentUnit.Line,
            Split = new() { Train = 0.6, Validation = 0.2, Test = 0.2 },
            Tokenizer = new() { Kind = kind, VocabularySize = 300, ByteFallback = false },
        }, 1, folder["data"]);

    private sealed class Told(Action<TrainingProgress> told) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => told(value);
    }

    /// <summary>A model that finds all tokens equally probable.</summary>
    private sealed class Uniform(int vocabulary) : IMaskedLanguageModel
    {
        public int VocabularySize => vocabulary;

        public int ContextLength => 32;

        public IReadOnlyList<float[]> Predict(IReadOnlyList<MaskedSequence> sequences,
            CancellationToken cancellation = default) =>
            [.. sequences.Select(sequence => new float[sequence.Positions.Length * vocabulary])];

        public void Dispose()
        {
        }
    }
}
