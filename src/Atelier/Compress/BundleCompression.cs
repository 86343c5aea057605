using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Compress;

/// <summary>Prunes the weights of a model, or quantises them to 8 bits or fewer, and evaluates the result.</summary>
/// <param name="source">The original bundle.</param>
/// <param name="recipe">The recipe, which gives the evaluation options.</param>
/// <param name="open">Opens a bundle for inference.</param>
/// <param name="progress">Receives a message at each stage.</param>
/// <param name="cancellation">Cancels the operation.</param>
internal sealed class BundleCompression(Bundle source, Recipe recipe, Func<string, ITrainedModel> open,
    IProgress<string>? progress, CancellationToken cancellation)
{
    /// <summary>The size of the weight files of the original in bytes.</summary>
    public long SourceBytes => WeightBytes(source.Folder);

    /// <summary>Returns the size of the weight files of a bundle in bytes.</summary>
    public static long WeightBytes(string folder) =>
        Directory.EnumerateFiles(folder).Where(BundleWriter.IsWeights).Sum(file => new FileInfo(file).Length);

    /// <summary>Measures the inputs of a model's layers on a text; null if there is none, or no such layers.</summary>
    public InputMoments? Moments(Bundle bundle, TokenFile? text)
    {
        using ComparedModel model = ComparedModel.Open(bundle.Folder, open);
        if (text is not { Count: > 0 } || model.Network is not { } network)
            return null;
        progress?.Report("calibrating on text");
        return InputMoments.Measure(network, model.Windows(text), cancellation);
    }

    /// <summary>Writes a copy of the bundle with pruned weights or channels.</summary>
    /// <param name="folder">The folder of the copy.</param>
    /// <param name="plan">How much is pruned.</param>
    /// <param name="moments">The inputs of layers; null for a model that shows none.</param>
    /// <exception cref="AtelierException">The model shows none, or its weights are quantised.</exception>
    public Bundle Prune(string folder, CompressionPlan plan, InputMoments? moments)
    {
        if (source.IsGguf)
            throw new AtelierException("its weights are quantised, and only others can be pruned", source.Folder,
                "prune the original model");
        if (moments is null)
            throw new AtelierException("a model of this kind cannot be pruned", source.Folder, "use a gpt model");
        progress?.Report("pruning weights");
        BundleWriter.Replace(folder, partial =>
        {
            CopyFiles(source, partial, weights: false);
            if (plan.Pruning == PruningKind.Channels)
            {
                ChannelPruning.Write(partial, source, plan.PrunedShare, moments, cancellation);
                return;
            }
            using ModelWeights weights = ModelWeights.Open(source.Folder, ConfigFile.Read(source.ConfigPath));
            ModelWriter.WriteSafetensors(Path.Combine(partial, SafetensorsFolder.FileName), weights, null, Pruned,
                cancellation);
        });
        return Bundle.Open(folder);

        float[]? Pruned(ModelTensor tensor)
        {
            if (tensor.IsVector || moments.Find(tensor.Name) is not { } own)
                return null;
            float[] values = tensor.Read(TensorLayout.HuggingFace);
            bool isTransposed = !tensor.HasRows(TensorLayout.Gguf);
            WeightPruning.Prune(values, (int)Math.Sqrt(own.Length), isTransposed, own, plan.PrunedShare,
                plan.Pruning == PruningKind.TwoOfFour);
            return values;
        }
    }

    /// <summary>Writes the compressed bundle and compares it with the original.</summary>
    /// <param name="folder">The folder of the compressed bundle.</param>
    /// <param name="now">The bundle to write: the original, or a pruned copy.</param>
    /// <param name="plan">The type of its weights.</param>
    /// <param name="moments">The inputs of its layers, to round weights of fewer than 8 bits by; null rounds to the
    /// nearest.</param>
    /// <param name="data">The held-out text for evaluation; null for none.</param>
    public CompressionReport Write(string folder, Bundle now, CompressionPlan plan, InputMoments? moments,
        TextData? data)
    {
        if (FindSmaller(plan) is { } tensor)
            throw new AtelierException($"its weights are already in {tensor}, which is no larger than {plan.Name}",
                source.Folder, "compress the original model");
        using ComparedModel original = ComparedModel.Open(source.Folder, open);
        CompressionReport? report = null;
        BundleWriter.Replace(folder, partial =>
        {
            Fill(partial, now, plan, moments, original);
            report = Compare(folder, partial, plan.Name, original, data) with { IsCalibrated = moments is not null };
            AddToCard(partial, report);
        });
        return report!;
    }

    /// <summary>Writes the compressed bundle.</summary>
    /// <inheritdoc cref="Write" path="/param"/>
    public Bundle Quantise(string folder, Bundle now, CompressionPlan plan, InputMoments? moments)
    {
        using ComparedModel model = ComparedModel.Open(now.Folder, open);
        BundleWriter.Replace(folder, partial => Fill(partial, now, plan, moments, model));
        return Bundle.Open(folder);
    }

    /// <summary>Compares a compressed bundle with the original on a few windows of a text.</summary>
    public double QuickLoss(Bundle bundle, TokenFile text)
    {
        using ComparedModel original = ComparedModel.Open(source.Folder, open),
            compressed = ComparedModel.Open(bundle.Folder, open);
        return original.QuickLoss(compressed, text, cancellation);
    }

    /// <summary>Compares a compressed bundle with the original.</summary>
    /// <param name="folder">The folder that it is to have.</param>
    /// <param name="bundle">The compressed bundle.</param>
    /// <param name="plan">What was done.</param>
    /// <param name="data">The held-out text.</param>
    public CompressionReport Compare(string folder, Bundle bundle, CompressionPlan plan, TextData data)
    {
        using ComparedModel original = ComparedModel.Open(source.Folder, open);
        return Compare(folder, bundle.Folder, plan.Name, original, data) with { IsCalibrated = plan.Calibrates };
    }

    /// <summary>Writes a copy of a compressed bundle, with its report in its card.</summary>
    public void Keep(string folder, Bundle bundle, CompressionReport report) => BundleWriter.Replace(folder, partial =>
    {
        CopyFiles(bundle, partial, weights: true);
        AddToCard(partial, report);
    });

    /// <summary>
    /// Returns the type of weights of the original that are quantised to the same or a smaller size than planned; null
    /// if there are none. To quantise them again would not restore precision, or lose precision twice.
    /// </summary>
    public WeightType? FindSmaller(CompressionPlan plan)
    {
        if (plan.Type is not { } type || !source.IsGguf)
            return null;
        using ModelWeights weights = ModelWeights.Open(source.Folder, ConfigFile.Read(source.ConfigPath));
        static long BlockBytes(WeightType type) => type.RowBytes(WeightTypes.LargeBlockSize);
        return weights.Tensors.FirstOrDefault(t => t.Type.IsBlocked() && BlockBytes(t.Type) <= BlockBytes(type))?.Type;
    }

    private void Fill(string partial, Bundle now, CompressionPlan plan, InputMoments? moments, ComparedModel model)
    {
        progress?.Report($"writing weights as {plan.Name}");
        CopyFiles(now, partial, weights: plan.Type is null);
        if (plan.Type is { } type)
            WriteBlocks(model, now, Path.Combine(partial, ModelWeights.GgufName), type, moments);
        cancellation.ThrowIfCancellationRequested();
    }

    private static void AddToCard(string folder, CompressionReport report) =>
        File.AppendAllText(Path.Combine(folder, "README.md"), report.ToMarkdown());

    private static void CopyFiles(Bundle from, string folder, bool weights)
    {
        foreach (string file in Directory.EnumerateFiles(from.Folder))
        {
            if (BundleWriter.IsBundleFile(file) && (weights || !BundleWriter.IsWeights(file)))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }
    }

    private void WriteBlocks(ComparedModel model, Bundle bundle, string path, WeightType type, InputMoments? moments)
    {
        using ModelWeights weights = ModelWeights.Open(bundle.Folder, ConfigFile.Read(bundle.ConfigPath));
        model.WriteBlocks(path, bundle.Folder, weights, type, Rounded, cancellation);

        // 4-bit weights that are not calibrated are those that other tools write
        byte[]? Rounded(ModelTensor tensor, TensorLayout layout, WeightType to)
        {
            if (BlockCodes.Has(to) && (moments is not null || to != WeightType.Q4_0))
                return CalibratedRounding.ToBlocks(tensor.Read(layout), (int)tensor.Shape(layout)[^1], to,
                    moments?.Find(tensor.Name));
            return to.IsBlocked() && to != WeightType.Q8_0 && !BlockCodes.Has(to)
                && moments?.Find(tensor.Name) is { } sums
                ? WeightedRounding.ToBlocks(tensor.Read(layout), (int)tensor.Shape(layout)[^1], to, sums) : null;
        }
    }

    private CompressionReport Compare(string folder, string partial, string name, ComparedModel original,
        TextData? data)
    {
        using ComparedModel compressed = ComparedModel.Open(partial, open);
        progress?.Report("measuring both models");
        ModelComparison result = original.Compare(compressed, data, recipe, folder, progress, cancellation);
        return new CompressionReport(Path.GetFullPath(folder), name,
            Figures(source.Folder, result.Speeds[0], result.Before), Figures(partial, result.Speeds[1], result.After),
            result.Change, data?.Facts.Source)
        {
            Similarity = result.Similarity,
        };
    }

    private static CompressionFigures Figures(string folder, double speed, Metric? loss)
    {
        using ModelWeights weights = ModelWeights.Open(folder, ConfigFile.Read(Path.Combine(folder, "config.json")));
        long memory = weights.Tensors.Sum(tensor =>
            (tensor.IsVector ? WeightType.F32 : tensor.Type.InMemory()).RowBytes(tensor.ElementCount));
        return new CompressionFigures(WeightBytes(folder), memory, speed, loss);
    }
}
