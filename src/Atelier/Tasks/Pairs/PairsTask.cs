using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Pairs;
using Atelier.Data.Text.Reading;
using Atelier.Evaluation;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Text;
using Atelier.Tokenizers;

namespace Atelier.Tasks.Pairs;

/// <summary>The task of writing a target text for a source text, such as translation.</summary>
public sealed class PairsTask : ITask
{
    /// <summary>The number of tokens in a batch of recipes that do not set it.</summary>
    internal const int DefaultBatchTokens = 4096;

    private const int SourcesAtOnce = 256;
    private const int LongestLine = 1 << 20, LongestExample = 60; // characters
    private const int ExamplesRead = 100; // pairs

    /// <inheritdoc/>
    public string Name => "pairs";

    /// <inheritdoc/>
    public string Description =>
        "Train on pairs of texts: two columns of a .tsv, .csv, .jsonl or .parquet file, or two files with a pair on "
        + "each line (train.de,train.en).";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } =
    [
        "data.pairs", "data.encoding", "data.tokenizer", "data.table.header", "data.table.separator",
        "training.batchTokens", "training.labelSmoothing", "training.rDrop",
        "training.extendVocabulary", "evaluation.samples", "evaluation.bleuTokenizer",
        .. GenerationSection.DecodingKeys.Where(key => key is not ("generation.lookup" or "generation.draftTokens")),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model)
    {
        var generator = model.Require<SequenceToSequenceGenerator>();
        return
        [
            new("prompt", "The source text.", Example: TextTask.KnownPrompt(generator.SourceTokenizer)),
            new("input", "A text file with a source text on each line."),
            new("prefix", "The text that targets begin with."),
            new("count", "The number of targets for the source."),
            new("alignments"),
            new("out", "The file to write the targets to."),
            .. TextTask.DecodingOptionsOf(generator.Defaults).Where(o => o.Field is not ("lookup" or "draftTokens")),
        ];
    }

    /// <inheritdoc/>
    /// <remarks>The first short source of the validation part, without characters that a shell reads.</remarks>
    public string? ExamplePrompt(IDataSource data)
    {
        PairFile file = ((PairData)data).Validation;
        return Enumerable.Range(0, Math.Min(file.Count, ExamplesRead)).Select(i => file[i].Source).FirstOrDefault(
            text => text.Length <= LongestExample && text.AsSpan().IndexOfAny("\"\\$`!\r\n") < 0);
    }

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) => model.As<SequenceToSequenceGenerator>() is not null;

    /// <inheritdoc/>
    /// <remarks>Writes a target for each line of the input, or for the prompt.</remarks>
    public IAsyncEnumerable<Sample> GenerateAsync(ITrainedModel model, GenerationRequest request,
        CancellationToken cancellation = default)
    {
        var generator = model.Require<SequenceToSequenceGenerator>();
        return request.Input is null
            ? ((IGenerator)generator).GenerateAsync(request, cancellation)
            : LinesAsync(generator, request.Check(input: true, decoding: true, target: true), cancellation);
    }

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        if (StartingBundle.Open(recipe.Training) is not { } bundle)
            return PairData.Prepare(recipe.Data, recipe.Seed, folder, progress, cancellation);
        (Tokenizer source, Tokenizer target) = SequenceToSequenceFile.ReadTokenizers(bundle.Folder);
        IReadOnlyList<string> added = recipe.Training.ExtendVocabulary;
        bool isShared = ReferenceEquals(source, target);
        if (added.Count > 0 && !isShared)
            throw new AtelierException("tokens cannot be added to a model with two vocabularies",
                "training.extendVocabulary", "leave it out");
        if (added.Count > 0)
            source = target = TokenizerFile.Load(bundle.TokenizerPath, added, special: false);
        return PairData.Prepare(recipe.Data, recipe.Seed, folder, source, target, progress, cancellation);
    }

    /// <inheritdoc/>
    public IDataSource Open(string folder) => PairData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation)
    {
        (Tokenizer source, Tokenizer target) = SequenceToSequenceFile.ReadTokenizers(other.Bundle.Folder);
        // sources have the prefix that the model was trained with
        string prefix = PairBundle.ReadPrefix(ConfigFile.Read(other.Bundle.ConfigPath));
        DataSection section = other.Section with { Pairs = other.Section.Pairs with { Prefix = prefix } };
        return PairData.Prepare(section, other.Seed, other.Folder, source, target, progress, cancellation)
            .Learning(other.Learned is null ? null : PairData.Open(other.Learned));
    }

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) => PairEvaluator.EvaluateAsync(
            context.Model.Require<SequenceToSequenceGenerator>(), (PairData)context.Data, context, progress,
            cancellation);

    /// <inheritdoc/>
    /// <remarks>After a short training BLEU is near zero, but all families share the tokens of the loss.</remarks>
    public TrialRules Trials { get; } = new("validationLoss");

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        PairAdvice.For(this, path, family, cancellation);

    private static async IAsyncEnumerable<Sample> LinesAsync(SequenceToSequenceGenerator generator,
        GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.Yield();
        InputData input = request.Input!;
        GenerationRequest plain = request with { Input = null };
        using CheckedReader reader = CheckedReader.Open(input, input.Name, new ReadingReport());
        foreach (string[] some in PlainText.Lines(reader, LongestLine, input.Name)
            .Where(line => !string.IsNullOrWhiteSpace(line)).Chunk(SourcesAtOnce))
        {
            foreach (TextSample sample in await generator.GenerateManyAsync(some, plain,
                cancellation: cancellation).ConfigureAwait(false))
            {
                yield return sample;
            }
        }
    }
}
