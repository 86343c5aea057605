using System.Globalization;
using System.Text;
using Atelier.Data.Text;
using Atelier.Data.Worlds;
using Atelier.Decoding;
using Atelier.Models.Ngram;
using Atelier.Recipes;
using Atelier.Tokenizers;

namespace Atelier.Evaluation;

/// <summary>Judges text models of any family: on held-out text beside baselines, and by what their samples are like.</summary>
public static class TextEvaluator
{
    private const int LongestPiece = 1 << 22; // tokens of a training document that are looked at together

    /// <summary>Judges a model on the test part of data, or on the validation part where there is no test part.</summary>
    /// <param name="generator">The model, its tokenizer and how it samples.</param>
    /// <param name="data">The data, prepared with the same tokenizer.</param>
    /// <param name="options">How to judge.</param>
    /// <param name="run">The name that the report carries.</param>
    /// <param name="seed">Of resampling and of samples.</param>
    /// <param name="picture">Where to draw the cross-entropies beside one another (PNG), or null.</param>
    /// <param name="progress">Told what is being done, a line at a time.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="AtelierException">There is no held-out text, or the model does not go with the data.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(
        TextGenerator generator, TextData data, EvaluationSection options, string run, long seed, string? picture = null,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        bool tests = data.Test.Count > 1;
        TokenFile held = HeldOut(data, run);
        IReadOnlyDictionary<string, Metric> Figures(ILanguageModel model, string name)
        {
            progress?.Report($"scoring held-out text with {name}");
            return TextMetrics.Of(Score(model, data, options, run, cancellation), options.BootstrapSamples, seed);
        }
        IReadOnlyDictionary<string, Metric> metrics = Figures(generator.Model, "the model");

        progress?.Report(string.Create(CultureInfo.InvariantCulture, $"counting {options.BaselineOrder}-grams"));
        using NgramModel ngram = NgramModel.Count(
            data.Train, new() { Order = options.BaselineOrder }, data.Tokenizer.VocabularySize, data.Facts.StartId);
        string ngramName = string.Create(CultureInfo.InvariantCulture, $"ngram{options.BaselineOrder}");
        var baselines = new Dictionary<string, IReadOnlyDictionary<string, Metric>> { [ngramName] = Figures(ngram, ngramName) };
        if (TextWorlds.Find(data.Facts.Source) is TextWorld world && data.Facts.Cleaning.Count == 0)
            baselines["exactEntropy"] = ExactEntropy(world, held, data.Tokenizer, options, seed);

        bool blocks = new TextScorer(held, data.Tokenizer, data.Facts.StartId, 1, options.Stride).CutsBlocks;
        int stride = options.Stride == 0 || generator.Model.ContextLength == int.MaxValue ? generator.Model.ContextLength : Math.Min(options.Stride, generator.Model.ContextLength);
        List<string> samples = await DrawAsync(generator, options, seed, progress, cancellation).ConfigureAwait(false);
        var report = new EvaluationReport
        {
            Run = run,
            Data = $"{data.Facts.Source}, {(tests ? "test" : "validation")} part",
            Metrics = metrics,
            Baselines = baselines,
            Samples = samples,
            Copying = samples.Count == 0 ? null : CopyingResult.Check(samples, Documents(data.Train, data.Tokenizer)),
            Diversity = samples.Count == 0 ? null : DiversityResult.Of(samples),
            Picture = picture is null ? null : Path.GetFileName(picture),
            Notes =
            [
                string.Create(CultureInfo.InvariantCulture, $"{held.Count} tokens of {held.DocumentCount} documents; the end of a document counts as one character."),
                $"95 % intervals by bootstrap over {(blocks ? "blocks of 1,000 characters, since there are few documents" : "documents")}.",
                stride == int.MaxValue
                    ? "Each document was scored in one piece."
                    : string.Create(CultureInfo.InvariantCulture, $"Scored in windows of {generator.Model.ContextLength} tokens, {stride} apart."),
                .. tests ? Array.Empty<string>() : ["The validation part served, which training has looked at: there is no test part."],
            ],
        };
        if (picture is not null)
            EvaluationPlot.Save(picture, report);
        return report;
    }

    /// <summary>A model's score of each stretch of the test part, or of the validation part where there is no test part.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The data, prepared with the model's tokenizer.</param>
    /// <param name="options">How to judge.</param>
    /// <param name="run">What errors name.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="AtelierException">There is no held-out text, or the model does not go with the data.</exception>
    internal static IReadOnlyList<TextScore> Score(
        ILanguageModel model, TextData data, EvaluationSection options, string run, CancellationToken cancellation)
    {
        if (model.VocabularySize != data.Tokenizer.VocabularySize)
        {
            throw new AtelierException(
                $"the model knows {model.VocabularySize} tokens, the data was prepared with {data.Tokenizer.VocabularySize}", run,
                "judge it on data prepared with its own tokenizer");
        }
        return new TextScorer(HeldOut(data, run), data.Tokenizer, data.Facts.StartId, model.ContextLength, options.Stride).Score(model, null, cancellation);
    }

    private static TokenFile HeldOut(TextData data, string run)
    {
        TokenFile held = data.Test.Count > 1 ? data.Test : data.Validation;
        return held.Count > 1
            ? held
            : throw new AtelierException("there is no held-out text to judge by", run, "give data.split a test or validation share");
    }

    /// <summary>The world's own surprise at the very documents that the model was judged on.</summary>
    private static Dictionary<string, Metric> ExactEntropy(
        TextWorld world, TokenFile held, Tokenizer tokenizer, EvaluationSection options, long seed)
    {
        var scores = new List<TextScore>();
        foreach (string document in Documents(held, tokenizer))
        {
            scores.Add(new TextScore(
                -world.LogProbability(document), 1, document.EnumerateRunes().Count() + 1, Encoding.UTF8.GetByteCount(document) + 1, 0));
        }
        return TextMetrics.Of(scores, options.BootstrapSamples, seed)
            .Where(metric => metric.Key is "crossEntropyPerCharacter" or "bitsPerByte").ToDictionary();
    }

    private static async Task<List<string>> DrawAsync(
        TextGenerator generator, EvaluationSection options, long seed, IProgress<string>? progress, CancellationToken cancellation)
    {
        var samples = new List<string>();
        if (options.Samples == 0)
            return samples;
        progress?.Report(string.Create(CultureInfo.InvariantCulture, $"drawing {options.Samples} samples"));
        var request = new GenerationRequest
        {
            Count = options.Samples,
            Seed = seed,
            Decoding = generator.Defaults with { MaxTokens = options.SampleTokens, BeamWidth = 1 },
        };
        await foreach (TextSample sample in generator.GenerateAsync(request, cancellation).ConfigureAwait(false))
            samples.Add(sample.Text);
        return samples;
    }

    /// <summary>The documents as text, without their ends; very long ones in pieces.</summary>
    private static IEnumerable<string> Documents(TokenFile file, Tokenizer tokenizer)
    {
        for (long index = 0; index < file.DocumentCount; index++)
        {
            DocumentEntry document = file.Document(index);
            for (long at = 0; at < document.Length; at += LongestPiece)
            {
                int[] tokens = new int[(int)Math.Min(LongestPiece, document.Length - at)];
                file.Read(document.Start + at, tokens);
                yield return tokenizer.DecodeText(tokens); // as samples are written, which are compared with it
            }
        }
    }
}
