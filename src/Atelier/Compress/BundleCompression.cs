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
    /// <summary>Measures the inputs of a model's layers on a text; null if there is none, or no such layers.</summary>
    public InputMoments? Moments(Bundle bundle, TokenFile? text)
    {
        using ComparedModel model = ComparedModel.Open(bundle.Folder, open);
        if (text is not { Count: > 0 } || model.Network is not { } network)
            return null;
        progress?.Report("calibrating on text");
        return InputMoments.Measure(network, model.Windows(text), cancellation);
    }

    /// <summary>Writes a copy of the bundle with pruned weights.</summary>
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
                plan.IsTwoOfFour);
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
        if (plan.Type is { } wanted)
            RefuseSmaller(wanted, plan.Name);
        using ComparedModel original = ComparedModel.Open(source.Folder, open);
        progress?.Report($"writing weights as {plan.Name}");
        CompressionReport? report = null;
        BundleWriter.Replace(folder, partial =>
        {
            CopyFiles(now, partial, weights: plan.Type is null);
            if (plan.Type is { } type)
                WriteBlocks(original, now, Path.Combine(partial, ModelWeights.GgufName), type, moments);
            cancellation.ThrowIfCancellationRequested();
            using ComparedModel compressed = ComparedModel.Open(partial, open);
            report = Compare(folder, partial, plan.Name, original, compressed, data) with
            {
                IsCalibrated = moments is not null,
            };
            File.AppendAllText(Path.Combine(partial, "README.md"), report.ToMarkdown());
        });
        return report!;
    }

    private static void CopyFiles(Bundle from, string folder, bool weights)
    {
        foreach (string file in Directory.EnumerateFiles(from.Folder))
        {
            if (BundleWriter.IsBundleFile(file) && (weights || !BundleWriter.IsWeights(file)))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }
    }

    /// <summary>
    /// Refuses to quantise weights that are quantised already to the same or a smaller size: this would not restore
    /// precision, or lose precision twice.
    /// </summary>
    private void RefuseSmaller(WeightType type, string name)
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

    private void WriteBlocks(ComparedModel model, Bundle bundle, string path, WeightType type, InputMoments? moments)
    {
        using ModelWeights weights = ModelWeights.Open(bundle.Folder, ConfigFile.Read(bundle.ConfigPath));
        model.WriteBlocks(path, bundle.Folder, weights, type, Rounded, cancellation);

        // 4-bit weights that are not calibrated are those that other tools write
        byte[]? Rounded(ModelTensor tensor, TensorLayout layout, WeightType to) =>
            BlockCodes.Has(to) && (moments is not null || to != WeightType.Q4_0)
            ? CalibratedRounding.ToBlocks(tensor.Read(layout), (int)tensor.Shape(layout)[^1], to,
                moments?.Find(tensor.Name)) : null;
    }

    private CompressionReport Compare(string folder, string partial, string name, ComparedModel original,
        ComparedModel compressed, TextData? data)
    {
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

    private static long WeightBytes(string folder) =>
        Directory.EnumerateFiles(folder).Where(BundleWriter.IsWeights).Sum(file => new FileInfo(file).Length);
}
