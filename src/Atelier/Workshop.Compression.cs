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
    /// Writes a copy of a text model with weights in blocks of 8 or 4 bits, and compares both on held-out text.
    /// </summary>
    /// <param name="source">A run's folder or a bundle's.</param>
    /// <param name="type">"q8" or "q4".</param>
    /// <param name="folder">The compressed bundle's folder, new or a bundle's.</param>
    /// <param name="against">Other data to compare on: a file, a folder, a name from the catalogue or a world; null
    /// uses the run's, if there is any.</param>
    /// <param name="progress">Receives one line for each part of the work.</param>
    /// <param name="cancellation">Cancels; nothing is left behind.</param>
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
        using IDataSource? data = against is not null
            ? new TextTask().PrepareOther(new OtherData(against, recipe, bundle, null, prepared.Path, recipe.Seed),
                progress, cancellation)
            : ofRun && Directory.Exists(Path.Combine(source, "data")) ? OpenData(source)
            : null;
        return await Task.Run(() => BundleCompression.Run(bundle, folder, weights, type, data, recipe,
            made => Open(made, new OpenOptions { Device = "cpu" }, cancellation), progress, cancellation), cancellation)
            .ConfigureAwait(false);
    }
}
