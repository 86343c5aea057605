using Atelier.Recipes;

namespace Atelier.Tasks.Text;

/// <summary>Sensible settings for a person's own text, by how much of it there is.</summary>
internal static class TextAdvice
{
    /// <summary>Settings for a file or a folder.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="family">The family to train. A shape is chosen for gpt only, and steps for families that take them;
    /// others keep their defaults.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is nothing there.</exception>
    public static DataAdvice For(string path, IModelFamily family, CancellationToken cancellation)
    {
        long bytes = DataAdvice.Bytes(path, Mention.Field("text"), cancellation);
        // Widths and lengths between those of nanoGPT's two settings for a megabyte of characters; steps so that two
        // cores take minutes; the less text, the more dropout, since more passes are made over it.
        Size size = bytes switch
        {
            < 50_000 => new(2, 64, 64, 0.2, 600, 16, "character"),
            < 500_000 => new(4, 128, 64, 0.2, 1500, 16, "character"),
            < 20_000_000 => new(4, 128, 128, 0.1, 3000, 16, "character"),
            _ => new(6, 256, 256, 0.0, 5000, 16, "bpe"),
        };
        List<string> overrides =
        [
            .. DataAdvice.Source(path),
            $"data.tokenizer.kind={size.Tokenizer}", $"model.family={family.Name}",
        ];
        if (family.TakesSteps)
            overrides.AddRange([$"training.steps={size.Steps}", $"training.batchSize={size.Batch}"]);
        if (family.Name == new Recipe().Model.Family)
        {
            overrides.AddRange(
            [
                $"model.layerCount={size.Layers}", "model.headCount=4", $"model.hiddenSize={size.Width}",
                    $"model.contextLength={size.Context}",
                FormattableString.Invariant($"model.dropout={size.Dropout}"),
            ]);
        }
        return new DataAdvice(overrides, $"{DataAdvice.Size(bytes)} of text");
    }

    private readonly record struct Size(int Layers, int Width, int Context, double Dropout, int Steps, int Batch,
        string Tokenizer);
}
