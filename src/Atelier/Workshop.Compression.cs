using Atelier.Abstractions;
using Atelier.Compress;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Text;

namespace Atelier;

public sealed partial class Workshop
{
    /// <summary>
    /// Writes a copy of a text model with weights quantised to 8 or 4 bits, and compares both on held-out text.
    /// </summary>
    /// <param name="source">The folder of a run or a bundle.</param>
    /// <param name="type">The type of the weights: "q8" or "q4".</param>
    /// <param name="folder">The folder to write the compressed bundle to: a new folder, or that of an existing
    /// bundle.</param>
    /// <param name="against">Other data to compare on: a file, a folder, the name of a catalogue entry or a world; null
    /// uses the data of the run, if they exist.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; no files are left behind.</param>
    /// <exception cref="AtelierException">There is no text model, or the folder cannot be written.</exception>
    public async Task<CompressionReport> CompressAsync(string source, string type, string folder,
        string? against = null, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        WeightType weights = WeightNames.Parse(type);
        if (!weights.IsBlocked())
            throw new AtelierException($"'{type}' is not a compression type", Mention.Field("format"),
                "allowed: q8 and q4");
        Bundle bundle = Bundle.Open(source);
        bool ofRun = Run.Exists(source);
        Recipe recipe = ofRun ? Run.ReadRecipe(source, Families) : new Recipe();
        using var prepared = new WorkFolder();
        using IDataSource? data = Data();
        return await Task.Run(Compress, cancellation).ConfigureAwait(false);

        IDataSource? Data()
        {
            if (against is null)
                return ofRun && Directory.Exists(Path.Combine(source, "data")) ? OpenData(source) : null;
            var other = new OtherData(against, recipe, bundle, null, prepared.Path, recipe.Seed);
            return new TextTask().PrepareOther(other, progress, cancellation);
        }

        ITrainedModel OpenOnCpu(string path) => Open(path, new OpenOptions { Device = "cpu" }, cancellation);

        CompressionReport Compress() => BundleCompression.Run(bundle, folder, weights, type, data, recipe, OpenOnCpu,
            progress, cancellation);
    }
}
