using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tasks.Images;

/// <summary>Images, with or without classes.</summary>
public sealed class ImageTask : ITask
{
    /// <inheritdoc/>
    public string Name => "images";

    /// <inheritdoc/>
    public string Description =>
        "Train on images: a folder, tar or zip file of PNG, JPEG, WebP or GIF images, with a subfolder per class or "
            + "a labels.csv; or idx files.";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } =
    [
        "data.image", "data.encoding", "data.table.header", "data.table.separator", "evaluation.pictures",
        "evaluation.features", "evaluation.likelihoodPictures", "evaluation.importanceSamples",
        "training.teacher",
        .. GenerationSection.SamplingKeys,
    ];

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model)
    {
        var generator = model.Require<ImageGenerator>();
        IReadOnlyList<string> classes = generator.IsConditional ? generator.Schema.Classes : [];
        IEnumerable<string> ofLatents = generator.Model is not IAutoencoder autoencoder ? []
            : autoencoder.HasGrid ? ["reconstruct", "interpolate"] : ["reconstruct", "interpolate", "traverse"];
        return
        [
            .. RequestOption.OfClass("images", classes), new("count", "The number of images.", Example: "16"),
            .. generator.Model.SamplingFields.Concat(ofLatents).Append("upscale")
                .Select(field => Sampling(field, generator)),
            new("like"),
            new("out", "The file to write the images to: .png (a grid), .gif (an animation of the sampling steps) or a "
                + "folder that ends with / (one file per image).", Example: "grid.png"),
        ];
    }

    /// <summary>Returns the option of a model's sampling with its default.</summary>
    internal static RequestOption Sampling(string field, ImageGenerator generator) => new(field,
        Description: field switch
        {
            "sampler" => "The sampler: ancestral, ddim, euler, heun or dpm.",
            "steps" => "The number of sampling steps from noise to image.",
            _ => null,
        },
        Default: field switch
        {
            "sampler" => generator.Defaults.Sampler,
            "steps" => FormattableString.Invariant($"{generator.Defaults.Steps}"),
            "guidance" => FormattableString.Invariant($"{generator.Defaults.Guidance}"),
            _ => null,
        },
        // An upscaling model enlarges a given image.
        Example: field == "from" && generator.Model.Upscaler is not null ? "small.png" : null);

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) => model.As<ImageGenerator>() is { Schema.Spectrogram: null };

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
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) =>
        ImageEvaluator.EvaluateAsync(context.Model.Require<ImageGenerator>(), (ImageData)context.Data, context,
            progress, cancellation);

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        ImageAdvice.For(this, path, family, cancellation);
}
