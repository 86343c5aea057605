using Atelier.Data;
using Atelier.Data.Pairs;
using Atelier.Data.Text;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Pairs;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using Atelier.Tokenizers;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Models.T5;

/// <summary>
/// The family of T5 (Raffel et al. 2020), which learns from pairs of texts, or from text whose spans it fills in.
/// </summary>
public sealed class T5Family : PairFamily<T5Config, T5Model>
{
    private const string Text = "text";

    /// <inheritdoc/>
    public override string Name => "t5";

    /// <inheritdoc/>
    public override string Description =>
        "an encoder-decoder with relative positions, for pairs of texts and for filling in spans, in T5's shape";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ModelTypes => [T5ConfigFile.ModelType];

    /// <inheritdoc/>
    public override IReadOnlyList<ITask> Tasks { get; } = [new PairsTask(), new TextTask()];

    /// <inheritdoc/>
    public override string PurposeOf(ITask task) => task is TextTask ? "fill-spans" : "generate";

    /// <inheritdoc/>
    public override IEnumerable<IgnoredKeys> Ignored(Recipe recipe) => recipe.Data.Kind == Text
        ? [new("a model that fills in spans", "evaluation.stride", "evaluation.baselineOrder", "training.teacher")]
        : [.. base.Ignored(recipe), new("pairs, of which no spans are removed", "model.noiseShare",
            "model.meanSpanLength", "model.sentinelCount")];

    /// <inheritdoc/>
    public override ILearner CreateLearner(Recipe recipe, IDataSource data)
    {
        if (data is not TextData text)
            return base.CreateLearner(recipe, data);
        T5Config config = (T5Config?)recipe.Model.Config ?? new T5Config();
        Tokenizer tokenizer = TokenizerOf(text, config.SentinelCount);
        (T5Model model, Func<T5Model> createModel, SequenceEnds ends) =
            Begin(recipe, tokenizer, tokenizer, () => EndsOf(tokenizer));
        var corruption = new SpanCorruption(tokenizer.Special.Sentinels, config.NoiseShare, config.MeanSpanLength);
        SpanBatches Batches(TokenFile file, bool shuffled) => new(file, corruption, ends, recipe.Training.BatchSize,
            config.ContextLength, recipe.Seed, shuffled);
        // not disposed: the model goes on
        SequenceToSequenceGenerator generator =
            PairBundle.Generator(model, tokenizer, tokenizer, recipe.Generation.Decoding, ends);
        return new Trainer<PairBatch>(recipe, model, Batches(text.Train, shuffled: true),
            text.Validation.Count < 2 ? null : Batches(text.Validation, shuffled: false), new TrainerHooks
            {
                WriteBundle = folder => Write(folder, model, tokenizer, tokenizer, generator.Defaults, ends,
                    TextBundle.Card(recipe, text, model.parameters().Sum(p => p.numel()), "text2text-generation")),
                CreateReplica = createModel,
                WriteSample = (path, cancellation) => WriteSample(path, generator, text, recipe.Seed, cancellation),
                ItemUnit = "target tokens",
            });
    }

    /// <inheritdoc/>
    protected override SequenceEnds Ends(PairData data) =>
        ReferenceEquals(data.SourceTokenizer, data.TargetTokenizer) ? EndsOf(data.SourceTokenizer)
            : throw new AtelierException("the family t5 has one vocabulary for sources and targets",
                "data.pairs.sharedVocabulary", "set it to true, or use the family transformer");

    /// <inheritdoc/>
    protected override T5Model Create(T5Config config, int? sourceVocabularySize, int vocabularySize, Recipe recipe) =>
        new(config, vocabularySize, recipe.Training.ChosenPrecision, recipe.Seed, recipe.Training.LabelSmoothing);

    /// <inheritdoc/>
    /// <remarks>Whether the output layer has its own weights, newer files say by these weights alone.</remarks>
    public override object? ReadConfiguration(Bundle bundle)
    {
        using var start = (SequenceToSequenceGenerator)Load(bundle, "cpu");
        return ((T5Model)start.Model).Config;
    }

    /// <inheritdoc/>
    protected override T5Config ReadConfig(ConfigFile file) => T5ConfigFile.Read(file).Config;

    /// <inheritdoc/>
    protected override string ConfigText(T5Model model, SequenceEnds ends) => T5ConfigFile.Write(model, ends);

    /// <inheritdoc/>
    protected override SequenceEnds ReadEnds(ConfigFile config) => T5ConfigFile.ReadEnds(config);

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> Weights(T5Model model) => T5Weights.Export(model);

    /// <inheritdoc/>
    protected override T5Model Read(ConfigFile config, IReadOnlyDictionary<string, Tensor> tensors, string where)
    {
        (Tokenizer tokenizer, _) = SequenceToSequenceFile.ReadTokenizers(Path.GetDirectoryName(config.Path)!);
        return T5Weights.Read(config, tensors, where, tokenizer.VocabularySize);
    }

    /// <summary>The padding token starts targets, and the end token ends sources and targets.</summary>
    private static SequenceEnds EndsOf(Tokenizer tokenizer)
    {
        int end = tokenizer.Special.End ?? SequenceEnds.Of(tokenizer, tokenizer).EndId;
        int pad = tokenizer.Special.Pad ?? end;
        return new SequenceEnds(pad, end, pad);
    }

    /// <summary>Returns the tokenizer of the data, with new sentinels if it has none.</summary>
    private static Tokenizer TokenizerOf(TextData text, int sentinels) => text.Tokenizer.Special.Sentinels.Count switch
    {
        0 => TokenizerFile.Load(text.TokenizerPath,
            [.. Enumerable.Range(0, sentinels).Select(SpecialTokens.SentinelName)], special: true),
        1 => throw new AtelierException("the tokenizer has one sentinel, and at least two are needed",
            text.TokenizerPath, "use a tokenizer with more, or with none, so that they are added"),
        _ => text.Tokenizer,
    };

    private static TrainingSample WriteSample(string path, SequenceToSequenceGenerator generator, TextData text,
        long seed, CancellationToken cancellation)
    {
        TokenFile file = text.Validation.Count > 1 ? text.Validation : text.Train;
        string shown = SpanEvaluator.ExamplesAsync(generator, file, 1, seed, cancellation).GetAwaiter().GetResult()[0];
        string name = path + ".txt";
        AtomicFile.WriteText(name, shown);
        return new TrainingSample(name, shown);
    }
}
