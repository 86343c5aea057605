namespace Atelier.Recipes;

/// <summary>Sensible settings for a person's own text, by how much of it there is.</summary>
/// <param name="Overrides">Changes to the recipe of all defaults.</param>
/// <param name="Reason">The choice in one sentence, to be told before training.</param>
public sealed record TextAdvice(IReadOnlyList<string> Overrides, string Reason)
{
    /// <summary>Settings for a file or a folder.</summary>
    /// <param name="path">Where the text is.</param>
    /// <param name="family">The family to teach; shapes are chosen for gpt alone, others keep their own defaults.</param>
    /// <exception cref="AtelierException">There is nothing there.</exception>
    public static TextAdvice For(string path, string family)
    {
        long bytes = Directory.Exists(path)
            ? new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length)
            : File.Exists(path) ? new FileInfo(path).Length
            : throw new AtelierException("there is no such file or folder", path, "give a file or a folder of text to --text");
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
            $"data.source={Quote(Path.GetFullPath(path))}", $"name={Quote(Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(path)))}",
            $"data.tokenizer.kind={size.Tokenizer}", $"model.family={family}", $"training.steps={size.Steps}", $"training.batchSize={size.Batch}",
        ];
        string shape = "the family's own shape";
        if (family == new Recipe().Model.Family)
        {
            overrides.AddRange(
            [
                $"model.layerCount={size.Layers}", "model.headCount=4", $"model.hiddenSize={size.Width}", $"model.contextLength={size.Context}",
                FormattableString.Invariant($"model.dropout={size.Dropout}"),
            ]);
            shape = $"{size.Layers} layers, {size.Width} wide, context {size.Context}";
        }
        string amount = bytes < 1_000_000
            ? FormattableString.Invariant($"{bytes / 1e3:0.#} kB")
            : FormattableString.Invariant($"{bytes / 1e6:0.#} MB");
        return new TextAdvice(overrides, $"for {amount} of text: {family}, {shape}, {size.Tokenizer} tokens, {size.Steps} steps (change any with --set)");
    }

    private static string Quote(string text) => RecipeWriter.Quote(text);

    private readonly record struct Size(int Layers, int Width, int Context, double Dropout, int Steps, int Batch, string Tokenizer);
}
