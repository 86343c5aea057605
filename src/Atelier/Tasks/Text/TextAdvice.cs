using Atelier.Recipes;

namespace Atelier.Tasks.Text;

/// <summary>Suggests settings for a user's own text, by the amount of text.</summary>
internal static class TextAdvice
{
    private const int MaskedSteps = 4; // steps of a model that fills in text, for one of a model that continues it

    /// <summary>Suggests settings for a file or a folder.</summary>
    /// <param name="path">The path of the file or folder.</param>
    /// <param name="family">The family to train. The size of the model is chosen only for the default family; others
    /// keep their defaults.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is nothing there.</exception>
    public static DataAdvice For(string path, IModelFamily family, CancellationToken cancellation)
    {
        long bytes = DataAdvice.Bytes(path, Mention.Field("text"), cancellation);
        // Sizes are between those of nanoGPT's two settings for a megabyte of characters. The number of steps keeps the
        // training time in minutes on two cores. Less text gets more dropout, since it is repeated more often.
        Size size = bytes switch
        {
            < 50_000 => new(2, 64, 64, 0.2, 600, 16, "character", 2000),
            < 500_000 => new(4, 128, 64, 0.2, 1500, 16, "character", 4000),
            < 20_000_000 => new(4, 128, 128, 0.1, 3000, 16, "character", 8000),
            _ => new(6, 256, 256, 0.0, 5000, 16, "bpe", 16_000),
        };
        // What fills in text learns of one token in seven, and little from letters between letters.
        string? words = family.Name switch { "bert" => "word-piece", "t5" => "unigram", _ => null };
        int steps = words is null ? size.Steps : MaskedSteps * size.Steps;
        List<string> overrides =
        [
            .. DataAdvice.Source(path),
            $"data.tokenizer.kind={words ?? size.Tokenizer}", $"model.family={family.Name}",
            .. DataAdvice.Optimizer(family),
        ];
        if (words is not null)
            overrides.Add($"data.tokenizer.vocabularySize={size.Words}");
        if (family.Tasks[0].Name != "text")
            overrides.Add("data.kind=text");
        if (family.TakesSteps)
            overrides.AddRange([$"training.steps={steps}", $"training.batchSize={size.Batch}"]);
        if (family.Name == new Recipe().Model.Family)
        {
            overrides.AddRange(
            [
                $"model.layerCount={size.Layers}", "model.headCount=4", $"model.hiddenSize={size.Width}",
                $"model.contextLength={size.Context}", FormattableString.Invariant($"model.dropout={size.Dropout}"),
            ]);
        }
        return new DataAdvice(overrides, $"{DataAdvice.Size(bytes)} of text");
    }

    private readonly record struct Size(int Layers, int Width, int Context, double Dropout, int Steps, int Batch,
        string Tokenizer, int Words);
}
