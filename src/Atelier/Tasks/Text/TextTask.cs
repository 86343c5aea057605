using System.Globalization;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tokenizers;

namespace Atelier.Tasks.Text;

/// <summary>
/// The task of language modelling: text as a sequence of tokens. Models predict the next token, or masked ones; models
/// from text to text learn to fill in spans.
/// </summary>
public sealed class TextTask : ITask
{
    // One of them is text for nearly every vocabulary, of one script or of characters alone.
    private static readonly string[] Prompts = ["Once", "once", "春", "一", "a"];

    /// <summary>
    /// The decoding options of masked language models, which do not write a text from left to right.
    /// </summary>
    internal static IReadOnlyList<string> MaskedOptions { get; } =
        ["maxTokens", "temperature", "topK", "topP", "minP", "typicalP"];

    /// <inheritdoc/>
    public string Name => "text";

    /// <inheritdoc/>
    public string Description => "Train on text: a file or a folder; settings are chosen by its size.";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } =
    [
        "data.validation", "data.test", "data.column", "data.encoding", "data.document", "data.clean", "data.tokenizer",
        "data.table.header", "data.table.separator", "training.labelSmoothing", "training.extendVocabulary",
        "training.teacher",
        "training.teacherWeight", "training.teacherTemperature",
        "evaluation.baselineOrder", "evaluation.stride",
        "evaluation.samples", "evaluation.sampleTokens",
        .. GenerationSection.DecodingKeys.Where(key => key != "generation.coveragePenalty"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model)
    {
        if (model.As<MaskedTextGenerator>() is { } masked)
            return OptionsOf(masked);
        var generator = model.Require<TextGenerator>();
        bool hasStates = generator.Model is IHiddenStates;
        return
        [
            new("prompt", Example: KnownPrompt(generator.Tokenizer)),
            new("count", Example: "3"),
            hasStates ? new("states", "The known hidden state of a token, by its position from 0. Can be repeated.")
                : new("draft"),
            .. generator.Model is IAdaptable ? [new RequestOption("adapter")] : Array.Empty<RequestOption>(),
            new("out", "The file to write the texts to."),
            // a language model has no source to cover
            .. DecodingOptionsOf(generator.Defaults).Where(option => option.Field != "coveragePenalty"),
        ];
    }

    private static RequestOption[] OptionsOf(MaskedTextGenerator generator) =>
    [
        new("prompt", $"A text with {generator.MaskText} where words are to be filled in, or the beginning of a text.",
            Example: KnownPrompt(generator.Tokenizer) + generator.MaskText),
        new("count", "The number of samples; for a text to fill in, the most probable ones."),
        new("sampler", "How tokens are chosen: confidence fills in one mask after the other, the most certain first; "
            + "mask-predict predicts all of them, and again those that are least certain; gibbs draws each given all "
            + "others, again and again.", Default: "confidence for a text with masks, else mask-predict"),
        new("steps", "The number of repetitions of mask-predict and gibbs.",
            Default: MaskedTextGenerator.UsualSteps.ToString(CultureInfo.InvariantCulture)),
        new("out", "The file to write the texts to."),
        .. DecodingOptionsOf(generator.Defaults).Where(option => MaskedOptions.Contains(option.Field)),
    ];

    /// <summary>Returns a text for examples that the vocabulary has, or null.</summary>
    internal static string? KnownPrompt(Tokenizer tokenizer) =>
        Prompts.FirstOrDefault(prompt => IsKnown(prompt, tokenizer));

    /// <summary>Returns an option for each decoding option.</summary>
    internal static IEnumerable<RequestOption> DecodingOptionsOf(DecodingOptions defaults) =>
        typeof(DecodingOptions).GetProperties().Where(property => property.CanWrite)
            .Select(property => new RequestOption(JsonNamingPolicy.CamelCase.ConvertName(property.Name),
                Default: Shown(property.GetValue(defaults))));

    /// <summary>Whether the vocabulary has each character of a text, and not only the bytes of its encoding.</summary>
    private static bool IsKnown(string text, Tokenizer tokenizer)
    {
        try
        {
            int[] ids = tokenizer.Encode(text);
            return ids.Length <= text.Length
                && !Array.Exists(ids, id => tokenizer.Bytes(id).IsEmpty // the token of unknown words
                    || tokenizer.Name(id).StartsWith("<0x", StringComparison.Ordinal));
        }
        catch (AtelierException)
        {
            return false; // a character that the vocabulary does not have
        }
    }

    private static string? Shown(object? setting) => setting is IFormattable number
        ? number.ToString(null, CultureInfo.InvariantCulture) : null;

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) =>
        model.As<TextGenerator>() is not null || model.As<MaskedTextGenerator>() is not null;

    /// <inheritdoc/>
    /// <remarks>Throws before training if too little text would be left for evaluation.</remarks>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        new TextDataPreparation(recipe.Data, recipe.Seed, folder, ends: null, progress, cancellation)
        {
            AddedTokens = recipe.Training.ExtendVocabulary,
        }.Run();
        var data = TextData.Open(folder);
        SplitSection split = recipe.Data.Split;
        (string part, double share, TokenFile held) = split.Test > 0 ? ("test", split.Test, data.Test)
            : ("validation", split.Validation, data.Validation);
        if (share == 0 || held.Characters >= TextScorer.FewestCharacters)
            return data;
        long found = data.Train.Characters + data.Validation.Characters + data.Test.Characters, got = held.Characters;
        string what = data.Train.Count == 0 ? "there is no text to train on, and too little" : "too little text";
        double needed =
            Math.Ceiling(TextScorer.FewestCharacters / Math.Min(share, got > 0 ? got / (double)found : share));
        data.Dispose();
        File.Delete(Path.Combine(folder, PreparedFacts.FileName)); // the data must not count as prepared
        string counts = FormattableString.Invariant(
            $"{found:N0} characters leave {got:N0} for the {part} part, which needs {TextScorer.FewestCharacters:N0}");
        throw new AtelierException($"{what} for evaluation: {counts}", recipe.Data.Source,
            string.Create(CultureInfo.InvariantCulture,
            $"provide at least {needed:N0} characters, raise data.split.{part}, or hold nothing out with "
                + $"data.split=none"));
    }

    /// <inheritdoc/>
    public IDataSource Open(string folder) => TextData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation)
    {
        DataSection section =
            other.Section with { Tokenizer = new TokenizerSection { File = other.Bundle.TokenizerPath } };
        TextData? learned = other.Learned is null ? null : TextData.Open(other.Learned);
        try
        {
            bool? ends = learned is null ? null : learned.Train.EndOfTextId is not null;
            new TextDataPreparation(section, other.Seed, other.Folder, ends, progress, cancellation).Run();
            TextData judged = TextData.Open(other.Folder);
            if (learned is null)
                return judged;
            judged.Train.Dispose();
            learned.Validation.Dispose();
            learned.Test.Dispose();
            return new TextData(judged.Tokenizer, learned.Train, judged.Validation, judged.Test, judged.Facts);
        }
        catch
        {
            learned?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) => context.Model switch
        {
            var model when model.As<MaskedTextGenerator>() is { } masked =>
                MaskedTextEvaluator.EvaluateAsync(masked, (TextData)context.Data, context, progress, cancellation),
            var model when model.As<SequenceToSequenceGenerator>() is { } filler =>
                SpanEvaluator.EvaluateAsync(filler, (TextData)context.Data, context, progress, cancellation),
            var model => TextEvaluator.EvaluateAsync(model.Require<TextGenerator>(), (TextData)context.Data, context,
                progress, cancellation),
        };

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        TextAdvice.For(path, family, cancellation);
}
