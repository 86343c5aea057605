using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Text;

namespace Atelier;

public sealed partial class Workshop
{
    /// <summary>Converts a model of another system to a bundle, and checks that it can be loaded.</summary>
    /// <param name="source">A Hugging Face folder, a GGUF file, a llama2.c .bin, or a file in the format of a family,
    /// such as a Bayesian network in .bif.</param>
    /// <param name="tokenizer">A tokenizer.json or a llama2.c tokenizer; null uses the tokenizer of the
    /// source.</param>
    /// <param name="folder">The folder to write the bundle to: a new folder, or that of an existing bundle.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; no files are left behind.</param>
    /// <returns>The full path of the bundle.</returns>
    /// <exception cref="AtelierException">The model is damaged, its type is unknown, or it does not match the
    /// tokenizer.</exception>
    public string Import(string source, string? tokenizer, string folder, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        if (Directory.Exists(source) || OwnFormats.FirstOrDefault(f => f.Reads(source)) is not { } own)
            return BundleExchange.Import(source, tokenizer, folder, Check, progress, cancellation);
        if (tokenizer is not null)
            throw new AtelierException($"a {own.Format} file contains its own tokenizer", Mention.Field("tokenizer"),
                "leave it out");
        own.Import(source, folder);
        return Path.GetFullPath(folder);

        ITrainedModel Check(string path)
        {
            Bundle bundle = Bundle.Open(path);
            bool isOnlyUsed = !HasFamily(bundle) && TextModelFile.ModelTypes.Contains(bundle.ModelType);
            return Open(path, new OpenOptions { Device = "cpu", ForTraining = !isOnlyUsed }, cancellation);
        }
    }

    /// <summary>Exports a model to the format of another system.</summary>
    /// <param name="source">The folder of a run or a bundle.</param>
    /// <param name="format">The format: "huggingface" writes a folder, "gguf" a file; a family may have its own format,
    /// such as "bif".</param>
    /// <param name="path">The folder or the file to write. A folder must be new or hold a bundle.</param>
    /// <param name="type">The type of the weights: "f32", "f16" or "bf16", and for GGUF also "q8", "q4" or
    /// the name of another of its types, such as "q4_k"; null keeps their type.</param>
    /// <param name="adapter">The folder of an adapter in PEFT's files, which is merged into the weights; null for
    /// none.</param>
    /// <param name="cancellation">Cancels the operation; no files are left behind.</param>
    /// <returns>The full path of the folder or file.</returns>
    /// <exception cref="AtelierException">There is no model, the format cannot hold it, the adapter does not fit it, or
    /// the path cannot be written.</exception>
    public string Export(string source, string format, string path, string? type = null, string? adapter = null,
        CancellationToken cancellation = default)
    {
        Bundle bundle = Bundle.Open(source);
        using WorkFolder? merged = adapter is null ? null : new WorkFolder();
        if (merged is not null)
        {
            string inner = Path.Combine(merged.Path, "bundle");
            MergedBundle.Write(bundle, PeftFiles.Read(adapter!), inner, cancellation);
            bundle = Bundle.Open(inner);
        }
        WeightType? weights = type is null ? null : WeightNames.Parse(type);
        return format switch
        {
            "huggingface" => BundleExchange.ToHuggingFace(bundle, path, weights, cancellation),
            "gguf" => BundleExchange.ToGguf(bundle, path, weights, cancellation),
            _ => ToOwnFormat(bundle, format, path, type),
        };
    }

    /// <summary>Returns the formats that a model can be exported to.</summary>
    /// <param name="source">The folder of a run or a bundle.</param>
    /// <exception cref="AtelierException">There is no model, or it is damaged.</exception>
    public IReadOnlyList<string> ExportFormats(string source)
    {
        Bundle bundle = Bundle.Open(source);
        IEnumerable<string> own = Families.Where(family => family.ModelTypes.Contains(bundle.ModelType))
            .OfType<IFileExchange>().Select(family => family.Format);
        return ["huggingface", .. BundleExchange.SupportsGguf(bundle) ? ["gguf"] : Array.Empty<string>(), .. own];
    }

    private IEnumerable<IFileExchange> OwnFormats => Families.OfType<IFileExchange>();

    private string ToOwnFormat(Bundle bundle, string format, string path, string? type)
    {
        IEnumerable<string> formats = ["huggingface", "gguf", .. OwnFormats.Select(f => f.Format)];
        IFileExchange own = OwnFormats.FirstOrDefault(f => f.Format == format)
            ?? throw new AtelierException($"there is no format '{format}'", Mention.Field("format"),
                $"allowed: {string.Join(", ", formats)}");
        if (type is not null)
            throw new AtelierException($"the type of the numbers in {format} cannot be changed", Mention.Field("type"),
                "leave it out");
        own.Export(bundle, path);
        return Path.GetFullPath(path);
    }
}
