using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Tagged;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tasks.Tagged;

/// <summary>Sentences whose words carry tags.</summary>
public sealed class TaggingTask : ITask
{
    /// <inheritdoc/>
    public string Name => "tagged";

    /// <inheritdoc/>
    public string Description =>
        "Train on tagged sentences: a .conllu file, or a folder with such files for training, "
            + "validation and test.";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } = ["data.encoding", "data.tags", "evaluation.samples"];

    /// <inheritdoc/>
    public IReadOnlyList<(string Field, string Value)> GenerateExample => [("prompt", "The old dog barks .")];

    /// <inheritdoc/>
    public bool Judges(IGenerator generator) => generator is ITagger;

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation) =>
        TaggedData.Prepare(recipe.Data, recipe.Seed, folder, progress, cancellation);

    /// <inheritdoc/>
    public IDataSource Open(string folder) => TaggedData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation) =>
        TaggedData.Prepare(other.Section, other.Seed, other.Folder, progress, cancellation)
            .Learning(other.Learned is null ? null : TaggedData.Open(other.Learned));

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext judging, IProgress<string>? progress,
        CancellationToken cancellation) =>
        Task.Run(() =>
            TaggedEvaluator.Evaluate((ITagger)judging.Generator, (TaggedData)judging.Data, judging, progress,
            cancellation), cancellation);

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        DataAdvice.ForFile(this, path, family.Name, "tagged sentences", cancellation);
}
