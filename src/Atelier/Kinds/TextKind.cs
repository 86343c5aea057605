using Atelier.Data;
using Atelier.Data.Text;
using Atelier.Decoding;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Kinds;

/// <summary>Text, as tokens.</summary>
public sealed class TextKind : IDataKind
{
    /// <inheritdoc/>
    public string Name => "text";

    /// <inheritdoc/>
    public string Description => "A file or folder of text to learn from; settings are chosen by its size.";

    /// <inheritdoc/>
    public string GenerateExample => "--prompt \"...\"";

    /// <inheritdoc/>
    public bool Judges(IGenerator generator) => generator is TextGenerator;

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress, CancellationToken cancellation) =>
        TextData.Prepare(recipe.Data, recipe.Seed, folder, progress, cancellation);

    /// <inheritdoc/>
    public IDataSource Open(string folder) => TextData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareAgainst(
        string source, Recipe recipe, Bundle bundle, string folder, IProgress<string>? progress, CancellationToken cancellation)
    {
        var section = new DataSection
        {
            Source = source,
            Split = Held.Half,
            Tokenizer = new TokenizerSection { File = bundle.TokenizerPath },
        };
        return TextData.Prepare(section, recipe.Seed, folder, progress, cancellation);
    }

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(Judging judging, IProgress<string>? progress, CancellationToken cancellation) =>
        TextEvaluator.EvaluateAsync((TextGenerator)judging.Generator, (TextData)judging.Data, judging.Options, judging.Run, judging.Seed,
            judging.Picture, progress, cancellation);

    /// <inheritdoc/>
    public DataAdvice Advise(string path, string family) => TextAdvice.For(path, family);
}

/// <summary>Splits of data that a finished model is judged by.</summary>
internal static class Held
{
    /// <summary>Half to judge by, and half for baselines to count.</summary>
    public static SplitSection Half { get; } = new() { Train = 0.5, Validation = 0, Test = 0.5 };
}
