using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tasks.Images;

/// <summary>Pictures, with or without classes.</summary>
public sealed class ImageTask : ITask
{
    /// <inheritdoc/>
    public string Name => "images";

    /// <inheritdoc/>
    public string Description =>
        "Pictures to learn from: a folder, a tar or a zip file of PNG, JPEG, WebP or GIF, a subfolder a class or "
            + "with labels.csv; or idx files.";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } =
    [
        "data.image", "data.encoding", "data.table.header", "data.table.separator", "evaluation.pictures",
        "evaluation.features", "evaluation.likelihoodPictures", "evaluation.importanceSamples",
    ];

    /// <inheritdoc/>
    public IReadOnlyList<(string Field, string Value)> GenerateExample => [("count", "64"), ("out", "grid.png")];

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) => model.As<ImageGenerator>() is not null;

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation) =>
        ImageData.Prepare(recipe.Data, recipe.Seed, folder, progress: progress, cancellation: cancellation);

    /// <inheritdoc/>
    public IDataSource Open(string folder) => ImageData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation) =>
        ImageData.Prepare(other.Section, other.Seed, other.Folder,
            ImageBundle.ReadSchema(ConfigFile.Read(other.Bundle.ConfigPath)), progress, cancellation)
            .Learning(other.Learned is null ? null : ImageData.Open(other.Learned));

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext judging, IProgress<string>? progress,
        CancellationToken cancellation) =>
        ImageEvaluator.EvaluateAsync(judging.Model.Require<ImageGenerator>(), (ImageData)judging.Data, judging,
            progress, cancellation);

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        ImageAdvice.For(this, path, family, cancellation);
}
