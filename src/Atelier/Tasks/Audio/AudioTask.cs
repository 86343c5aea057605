using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Audio;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tasks.Audio;

/// <summary>Sounds, with or without classes.</summary>
public sealed class AudioTask : ITask
{
    /// <inheritdoc/>
    public string Name => "audio";

    /// <inheritdoc/>
    public string Description =>
        "Train on sounds: a folder, tar or zip file of WAV, FLAC, MP3, Ogg, Opus or M4A files, with a subfolder per "
            + "class, a labels.csv or a pattern of names; or world:sounds.";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } =
        ["data.audio", "data.encoding", "data.table.header", "data.table.separator"];

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model) => [];

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) => false;

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation) =>
        AudioData.Prepare(recipe.Data, recipe.Seed, folder, progress: progress, cancellation: cancellation);

    /// <inheritdoc/>
    public IDataSource Open(string folder) => AudioData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation) =>
        AudioData.Prepare(other.Section, other.Seed, other.Folder,
            AudioBundle.ReadSchema(ConfigFile.Read(other.Bundle.ConfigPath)), progress, cancellation)
            .Learning(other.Learned is null ? null : AudioData.Open(other.Learned));

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) => throw new NotSupportedException();

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        AudioAdvice.For(this, path, family, cancellation);
}
