using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Text;

namespace Atelier.Compress;

/// <summary>Quantises the weights of a model to blocks of 8 or 4 bits, and evaluates the result.</summary>
internal static class BundleCompression
{
    /// <summary>Compresses a bundle.</summary>
    /// <param name="source">The original bundle.</param>
    /// <param name="folder">The folder of the compressed bundle.</param>
    /// <param name="type">The type of the weights: Q8_0 or Q4_0.</param>
    /// <param name="name">The name of the type for messages.</param>
    /// <param name="data">The held-out text for evaluation; null for none.</param>
    /// <param name="recipe">The recipe, which gives the evaluation options.</param>
    /// <param name="open">Opens a bundle for inference.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static CompressionReport Run(Bundle source, string folder, WeightType type, string name, IDataSource? data,
        Recipe recipe, Func<string, ITrainedModel> open, IProgress<string>? progress, CancellationToken cancellation)
    {
        RefuseSmaller(source, type, name);
        using TextGenerator original = OpenText(source.Folder, open);
        progress?.Report($"writing weights as {name}");
        CompressionReport? report = null;
        BundleWriter.Replace(folder, partial =>
        {
            foreach (string file in Directory.EnumerateFiles(source.Folder))
            {
                if (BundleWriter.IsBundleFile(file) && !BundleWriter.IsWeights(file))
                    File.Copy(file, Path.Combine(partial, Path.GetFileName(file)));
            }
            WriteBlocks(source, Path.Combine(partial, ModelWeights.GgufName), type, cancellation);
            cancellation.ThrowIfCancellationRequested();
            using TextGenerator compressed = OpenText(partial, open);
            report = Compare(source, folder, partial, name, original, compressed, (TextData?)data, recipe, progress,
                cancellation);
            File.AppendAllText(Path.Combine(partial, "README.md"), report.ToMarkdown());
        });
        return report!;
    }

    /// <summary>
    /// Refuses to quantise weights that are quantised already to the same or a smaller size: this would not restore
    /// precision, or lose precision twice.
    /// </summary>
    private static void RefuseSmaller(Bundle source, WeightType type, string name)
    {
        if (!source.IsGguf)
            return;
        using ModelWeights weights = ModelWeights.Open(source.Folder, ConfigFile.Read(source.ConfigPath));
        static long BlockBytes(WeightType type) => type.RowBytes(WeightTypes.BlockSize);
        bool IsSmaller(ModelTensor t) => t.Type.IsBlocked() && BlockBytes(t.Type) <= BlockBytes(type);
        if (weights.Tensors.FirstOrDefault(IsSmaller) is { } tensor)
            throw new AtelierException($"its weights are already in {tensor.Type}, which is no larger than {name}",
                source.Folder, "compress the original model");
    }

    private static void WriteBlocks(Bundle source, string path, WeightType type, CancellationToken cancellation)
    {
        TextBundleFiles files = TextBundleFiles.Read(source.Folder);
        using ModelWeights weights = ModelWeights.Open(source.Folder, files.Config);
        ModelWriter.WriteBlocks(path, weights, files.Config, files.Tokenizer, files.Bounds, type, cancellation);
    }

    private static CompressionReport Compare(Bundle source, string folder, string partial, string name,
        TextGenerator original, TextGenerator compressed, TextData? data, Recipe recipe, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        progress?.Report("measuring both models");
        IReadOnlyList<double> speeds = DecodingSpeed.Measure(original, compressed);
        (Metric? Before, Metric? After, Metric? Change) loss = default;
        if (data is not null)
            loss = Losses(folder, original, compressed, data, recipe, progress, cancellation);
        return new CompressionReport(Path.GetFullPath(folder), name,
            new CompressionFigures(WeightBytes(source.Folder), speeds[0], loss.Before),
            new CompressionFigures(WeightBytes(partial), speeds[1], loss.After),
            loss.Change, data?.Facts.Source);
    }

    /// <summary>
    /// Computes both losses, and their difference by the paired bootstrap, which resamples the same stretches for both.
    /// </summary>
    private static (Metric Before, Metric After, Metric Change) Losses(string folder, TextGenerator original,
        TextGenerator compressed, TextData data, Recipe recipe, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        const string metric = "crossEntropyPerCharacter";
        int samples = recipe.Evaluation.BootstrapSamples;
        IReadOnlyList<TextScore> Score(TextGenerator generator, string which)
        {
            progress?.Report($"scoring held-out text with the {which} model");
            return TextEvaluator.Score(generator.Model, data, recipe.Evaluation, folder, cancellation);
        }
        IReadOnlyList<TextScore> before = Score(original, "original"), after = Score(compressed, "compressed");
        Metric change = MeanScore.Difference(TextMetrics.PerCharacter(after), TextMetrics.PerCharacter(before),
            samples, recipe.Seed, "nats");
        return (TextMetrics.Of(before, samples, recipe.Seed)[metric],
            TextMetrics.Of(after, samples, recipe.Seed)[metric], change);
    }

    /// <summary>Opens a text model for inference; throws for other models.</summary>
    private static TextGenerator OpenText(string folder, Func<string, ITrainedModel> open)
    {
        ITrainedModel model = open(folder);
        if (model.As<TextGenerator>() is { } text)
            return text;
        model.Dispose();
        throw new AtelierException("only text models can be compressed", folder);
    }

    private static long WeightBytes(string folder) =>
        Directory.EnumerateFiles(folder).Where(BundleWriter.IsWeights).Sum(file => new FileInfo(file).Length);
}
