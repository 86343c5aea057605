using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Text;

namespace Atelier;

public sealed partial class Workshop
{
    /// <summary>Makes a bundle of another system's model and checks that it loads.</summary>
    /// <param name="source">A Hugging Face folder, a GGUF file, a llama2.c .bin, or a family's own file, such as a
    /// network's .bif.</param>
    /// <param name="tokenizer">A tokenizer.json or a llama2.c tokenizer; null uses the source's own.</param>
    /// <param name="folder">The bundle's folder, new or a bundle's.</param>
    /// <param name="progress">Receives one line for each part of the work.</param>
    /// <param name="cancellation">Cancels; nothing is left behind.</param>
    /// <returns>The bundle's full path.</returns>
    /// <exception cref="AtelierException">The model is damaged, its kind is unknown, or it does not fit the
    /// tokenizer.</exception>
    public string Import(string source, string? tokenizer, string folder, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        if (Directory.Exists(source) || OwnFormats.FirstOrDefault(f => f.Reads(source)) is not { } own)
            return BundleExchange.Import(source, tokenizer, folder,
                made => Open(made, new OpenOptions { Device = "cpu", ForTraining = true }, cancellation), progress,
                cancellation);
        if (tokenizer is not null)
            throw new AtelierException($"a {own.Format} file contains its own tokenizer", Mention.Field("tokenizer"),
                "leave it out");
        own.Import(source, folder);
        return Path.GetFullPath(folder);
    }

    /// <summary>Writes a model for other systems.</summary>
    /// <param name="source">A run's folder or a bundle's.</param>
    /// <param name="format">"huggingface", a folder, "gguf", a file, or a family's own, such as "bif".</param>
    /// <param name="path">The folder to write, new or a bundle's, or the file.</param>
    /// <param name="type">"f32", "f16", "bf16", and of GGUF "q8" and "q4"; null keeps the weights as they are.</param>
    /// <param name="cancellation">Cancels; nothing is left behind.</param>
    /// <returns>The full path.</returns>
    /// <exception cref="AtelierException">There is no model, the format cannot hold it, or the path cannot be
    /// written.</exception>
    public string Export(string source, string format, string path, string? type = null,
        CancellationToken cancellation = default)
    {
        Bundle bundle = Bundle.Open(source);
        WeightType? weights = type is null ? null : WeightNames.Parse(type);
        return format switch
        {
            "huggingface" => BundleExchange.ToHuggingFace(bundle, path, weights, cancellation),
            "gguf" => BundleExchange.ToGguf(bundle, path, weights, cancellation),
            _ => ToOwnFormat(bundle, format, path, type),
        };
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
