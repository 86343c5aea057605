using System.Globalization;
using System.Text;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Data.Worlds;
using Atelier.Evaluation;
using Atelier.Generation;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Tokenizers;

namespace Atelier.Tasks.Text;

/// <summary>
/// Evaluates text models of any family by the cross-entropy of held-out text, compared with baselines, and by
/// properties of their samples.
/// </summary>
public static class TextEvaluator
{
    private const int LeastLine = 10; // characters
    private const int LongestPiece = 1 << 22; // tokens of a document that are decoded together

    /// <summary>
    /// Evaluates a model on the test part of the data, or on the validation part if there is no test part.
    /// </summary>
    /// <param name="generator">The model with its tokenizer and its default decoding options.</param>
    /// <param name="data">The data, prepared with the same tokenizer.</param>
    /// <param name="context">The model, the data, the options and the baselines.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no held-out text, or the model has another vocabulary than the
    /// data.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(
        TextGenerator generator, TextData data, EvaluationContext context, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        (EvaluationSection options, string run, long seed) = (context.Options, context.Run, context.Seed);
        TokenFile held = HeldOut(data, context);
        JudgedOn on = DescribeData(data, held, context);
        JudgedModel Judge(ILanguageModel model, string name)
        {
            progress?.Report($"scoring {(on.IsHeldOut ? "held-out " : "")}text with {name}");
            IReadOnlyList<TextScore> scores = Score(model, data, held, options, run, cancellation);
            return new(TextMetrics.PerCharacter(scores), TextMetrics.Of(scores, options.BootstrapSamples, seed));
        }
        Headline headline = Headline.CrossEntropy with { Part = on.Lead };
        JudgedModel own = Judge(generator.Model, "the model");
        var judgement = new Judgement(context, on, headline, own);
        ITextBaseline[] families = [.. context.Families.OfType<ITextBaseline>()];
        ITextBaseline[] others = [.. families.Where(family => !family.IsBaseline(generator.Model, options))];
        foreach (ITextBaseline family in data.Train.Count > 1 ? others : [])
        {
            string name = family.BaselineName(options);
            progress?.Report($"fitting the baseline {name}");
            using ILanguageModel fitted = family.FitBaseline(data, options, cancellation);
            judgement.Compare(name, Judge(fitted, name));
        }
        if (TextWorlds.Find(data.Facts.Source) is TextWorld world && data.Facts.Cleaning.Count == 0)
            judgement.Add(EvaluationReport.ExactEntropy,
                ExactEntropy(world, held, data.Tokenizer, options, seed, cancellation));

        string pieces = new TextScorer(held, data.Tokenizer, data.Facts.StartId, 1, options.Stride).Pieces;
        int stride = options.Stride == 0 || generator.Model.ContextLength == int.MaxValue
            ? generator.Model.ContextLength : Math.Min(options.Stride, generator.Model.ContextLength);
        List<string> samples =
            await SampleAsync(generator, generator.Defaults, context, progress, cancellation).ConfigureAwait(false);
        return judgement.Report(Fingerprint(held, data.Tokenizer),
            samples.Count == 0 ? [] : [SampleSection(samples, data, cancellation)],
            [
                $"{Quantity.Of(held.Count, "token")} of {Quantity.Of(held.DocumentCount, "document")}; the end "
                    + "of a document counts as one character.",
                $"95 % intervals by bootstrap over {pieces}.",
                stride == int.MaxValue
                    ? "Each document was scored in one piece."
                    : string.Create(CultureInfo.InvariantCulture,
                        $"Scored in windows of {Quantity.Of(generator.Model.ContextLength, "token")}, {stride} apart."),
                .. on.Notes,
                .. families.Except(others).Select(family =>
                    $"The baseline {family.BaselineName(options)} is omitted: it is the model itself."),
            ]);
    }

    /// <summary>
    /// Returns the score of each stretch of the test part, or of the validation part if there is no test part.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The data, prepared with the model's tokenizer.</param>
    /// <param name="options">The evaluation options.</param>
    /// <param name="run">The name of the run in error messages.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no held-out text, or the model has another vocabulary than the
    /// data.</exception>
    internal static IReadOnlyList<TextScore> Score(
        ILanguageModel model, TextData data, EvaluationSection options, string run, CancellationToken cancellation) =>
        Score(model, data, HeldOut(data, run), options, run, cancellation);

    private static IReadOnlyList<TextScore> Score(ILanguageModel model, TextData data, TokenFile held,
        EvaluationSection options, string run, CancellationToken cancellation)
    {
        CheckVocabulary(model.VocabularySize, data, run);
        var scorer =
            new TextScorer(held, data.Tokenizer, data.Facts.StartId, model.ContextLength, options.Stride);
        return scorer.Score(model, progress: null, cancellation);
    }

    /// <summary>Throws if a model has another vocabulary than the data.</summary>
    /// <param name="size">The size of the model's vocabulary, without tokens that it adds to that of the data.</param>
    /// <param name="data">The data.</param>
    /// <param name="run">The name of the run in error messages.</param>
    /// <exception cref="AtelierException">The sizes differ.</exception>
    internal static void CheckVocabulary(int size, TextData data, string run)
    {
        if (size != data.Tokenizer.VocabularySize)
            throw new AtelierException($"the model has {Quantity.Of(size, "token")}, the data was prepared with "
                + $"{data.Tokenizer.VocabularySize}", run, "evaluate it on data prepared with its own tokenizer");
    }

    /// <summary>Describes the held-out text, for a report.</summary>
    internal static JudgedOn DescribeData(TextData data, TokenFile held, EvaluationContext context) =>
        JudgedOn.Of(data.Facts.Source, held == data.Test ? Part.Test : Part.Validation, context.Other, "documents",
            () => JudgedOn.ShareIn(Lines(held, data.Tokenizer), Lines(data.Train, data.Tokenizer)), mostRepeated: 0.5);

    /// <summary>Returns the samples, how much of them occurs in the training text, and their diversity.</summary>
    internal static ReportSection SampleSection(IReadOnlyList<string> samples, TextData data,
        CancellationToken cancellation)
    {
        Dictionary<string, Metric> figures = DiversityResult.Of(samples).Figures();
        string[] notes = [];
        if (data.Train.Count > 0)
        {
            var copying = CopyingResult.Check(samples, Documents(data.Train, data.Tokenizer).StoppedBy(cancellation));
            foreach ((string name, Metric metric) in copying.Figures())
                figures[name] = metric;
            if (copying.LongestRun > 0)
            {
                string quoted = JsonSerializer.Serialize(copying.LongestRunText, EvaluationReport.Compact);
                notes = [$"The longest run of characters that a sample shares with the training text is {quoted}."];
            }
        }
        return new ReportSection("Samples") { Figures = figures, Notes = notes, Samples = samples };
    }

    /// <summary>Computes a hash of the text, which does not depend on the tokenizer.</summary>
    internal static string Fingerprint(TokenFile file, Tokenizer tokenizer)
    {
        using var hash = new DataFingerprint();
        foreach (int[] tokens in file.Pieces(LongestPiece, ends: true))
            Add(hash, tokens, tokenizer);
        return hash.TakeText();
    }

    /// <summary>Returns a hash of each line that is long enough not to be repeated by chance.</summary>
    private static IEnumerable<ulong> Lines(TokenFile file, Tokenizer tokenizer)
    {
        using var hash = new DataFingerprint();
        foreach (string document in Documents(file, tokenizer))
        {
            foreach (string line in document.Split('\n', StringSplitOptions.TrimEntries))
            {
                if (line.Length >= LeastLine)
                    yield return hash.Add(line).Take();
            }
        }
    }

    private static void Add(DataFingerprint hash, int[] tokens, Tokenizer tokenizer)
    {
        foreach (int id in tokens)
        {
            if (id == tokenizer.EndOfTextId)
                hash.Add<byte>([0xFF]); // a byte that UTF-8 never contains
            else
                hash.Add(tokenizer.Bytes(id));
        }
    }

    /// <summary>Returns the part of the data to evaluate on.</summary>
    /// <exception cref="AtelierException">There is no held-out text.</exception>
    internal static TokenFile HeldOut(TextData data, EvaluationContext context) =>
        HeldOut(data, context.Run, context.OnValidation);

    /// <summary>Returns the test part, or the validation part if there is no test part or it is asked for.</summary>
    /// <exception cref="AtelierException">There is no held-out text.</exception>
    internal static TokenFile HeldOut(TextData data, string run, bool onValidation = false)
    {
        TokenFile held = data.Test.Count > 1 && !onValidation ? data.Test : data.Validation;
        return held.Count > 1
            ? held
            : throw new AtelierException("there is no held-out text to evaluate on", run,
                "give data.split a test or validation share");
    }

    /// <summary>Computes the metrics of the evaluated documents under the true distribution of the world.</summary>
    private static Dictionary<string, Metric> ExactEntropy(TextWorld world, TokenFile held, Tokenizer tokenizer,
        EvaluationSection options, long seed, CancellationToken cancellation)
    {
        var scores = new List<TextScore>();
        foreach (string document in Documents(held, tokenizer).StoppedBy(cancellation))
        {
            scores.Add(new TextScore(-world.LogProbability(document), 1, document.EnumerateRunes().Count() + 1,
                Encoding.UTF8.GetByteCount(document) + 1, 0));
        }
        return TextMetrics.Of(scores, options.BootstrapSamples, seed)
            .Where(metric => metric.Key is "crossEntropyPerCharacter" or "bitsPerByte").ToDictionary();
    }

    /// <summary>Returns samples, as many and as long as the options say.</summary>
    internal static async Task<List<string>> SampleAsync(IGenerator generator, DecodingOptions defaults,
        EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation)
    {
        (EvaluationSection options, var samples) = (context.Options, new List<string>());
        if (options.Samples == 0)
            return samples;
        progress?.Report($"generating {Quantity.Of(options.Samples, "sample")}");
        var request = new GenerationRequest
        {
            Count = options.Samples,
            Seed = context.Seed,
            Decoding = defaults with { MaxTokens = options.SampleTokens, BeamWidth = 1 },
        };
        await foreach (Sample sample in generator.GenerateAsync(request, cancellation).ConfigureAwait(false))
            samples.Add(sample.Shown);
        return samples;
    }

    /// <summary>
    /// Decodes the documents as samples are decoded, with which they are compared; very long ones in pieces.
    /// </summary>
    private static IEnumerable<string> Documents(TokenFile file, Tokenizer tokenizer) =>
        file.Pieces(LongestPiece, ends: true).Select(tokens => tokenizer.DecodeText(tokens));
}
