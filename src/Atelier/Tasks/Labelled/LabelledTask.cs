using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Labelled;
using Atelier.Data.Text.Reading;
using Atelier.Evaluation;
using Atelier.Recipes;

namespace Atelier.Tasks.Labelled;

/// <summary>The task of predicting the label of a text.</summary>
public sealed class LabelledTask : ITask
{
    private const int LongestLine = 1 << 20, TextsAtOnce = 256;

    /// <inheritdoc/>
    public string Name => "labelled";

    /// <inheritdoc/>
    public string Description =>
        "Train on texts with a label each: a .tsv, .csv, .jsonl or .parquet file with a column of texts (data.column) "
        + "and one of labels (data.label).";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } =
    [
        "data.column", "data.label", "data.examples", "data.encoding", "data.tokenizer", "data.table.header",
        "data.table.separator", "training.batchTokens", "training.labelSmoothing", "training.extendVocabulary",
        "evaluation.samples",
    ];

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model) =>
    [
        new("prompt", $"A text to classify. Its label is one of "
            + $"{RequestOption.Names(model.Require<ITextClassifier>().Labels)}.", Example: "a text"),
        new("input", "A text file with a text to classify on each line."),
        new("out", "The file to write the labels to."),
    ];

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) => model.As<ITextClassifier>() is not null;

    /// <inheritdoc/>
    /// <remarks>Classifies each line of the input, or the prompt.</remarks>
    public async IAsyncEnumerable<Sample> GenerateAsync(ITrainedModel model, GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        request.Check(prompt: true, input: true);
        await Task.Yield();
        var classifier = model.Require<ITextClassifier>();
        using CheckedReader? reader = request.Input is { } input
            ? CheckedReader.Open(input, input.Name, new ReadingReport()) : null;
        IEnumerable<string> texts = reader is not null
            ? PlainText.Lines(reader, LongestLine, request.Input!.Name).Where(line => !string.IsNullOrWhiteSpace(line))
            : [request.Prompt ?? throw new AtelierException("there is no text to classify", Mention.Field("prompt"),
                "give a text, or a file of texts as the input")];
        foreach (string[] some in texts.Chunk(TextsAtOnce))
        {
            foreach ((string text, float[] row) in some.Zip(classifier.Classify(some, cancellation)))
                yield return LabelledEvaluator.Sample(classifier, text, row);
        }
    }

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation) =>
        LabelledData.Prepare(recipe.Data, recipe.Seed, folder, progress, cancellation);

    /// <inheritdoc/>
    public IDataSource Open(string folder) => LabelledData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation) =>
        LabelledData.Prepare(other.Section, other.Seed, other.Folder, progress, cancellation)
            .Learning(other.Learned is null ? null : LabelledData.Open(other.Learned));

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) =>
        Task.Run(
            () => LabelledEvaluator.Evaluate(context.Model.Require<ITextClassifier>(), (LabelledData)context.Data,
                context, progress, cancellation),
            cancellation);

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default)
    {
        DataAdvice advice = DataAdvice.ForFile(this, path, family.Name, "labelled texts", cancellation);
        return advice with
        {
            Overrides = [.. advice.Overrides, "data.tokenizer.kind=word-piece", "data.tokenizer.vocabularySize=8000"],
        };
    }
}
