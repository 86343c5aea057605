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
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation) =>
        TextData.PrepareOther(other, progress, cancellation);

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(Judging judging, IProgress<string>? progress, CancellationToken cancellation) =>
        TextEvaluator.EvaluateAsync((TextGenerator)judging.Generator, (TextData)judging.Data, judging.Options, judging.Run, judging.Seed,
            judging.Picture, progress, judging.Other, cancellation);

    /// <inheritdoc/>
    public DataAdvice Advise(string path, string family) => TextAdvice.For(path, family);
}
