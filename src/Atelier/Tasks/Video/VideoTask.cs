using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Video;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tasks.Video;

/// <summary>Videos, with or without classes.</summary>
public sealed class VideoTask : ITask
{
    /// <inheritdoc/>
    public string Name => "video";

    /// <inheritdoc/>
    public string Description =>
        "Train on videos: a file, folder, tar or zip file of MP4, WebM, MOV, MKV, AVI or GIF files, with a subfolder "
            + "per class or a labels.csv; folders of frames; world:moving-shapes; or world:moving-digits.";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } =
    [
        "data.video", "data.encoding", "data.table.header", "data.table.separator", "evaluation.pictures",
        .. GenerationSection.SamplingKeys, .. CodeDecoding.Keys,
    ];

    /// <summary>
    /// Returns the number of frames that are given when a model is asked to continue clips: a quarter.
    /// </summary>
    internal static int GivenCount(VideoSchema schema) => Math.Max(1, schema.Frames / 4);

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model)
    {
        var generator = model.Require<VideoGenerator>();
        IReadOnlyList<string> classes = generator.IsConditional ? generator.Schema.Classes : [];
        return
        [
            .. RequestOption.OfClass("videos", classes),
            new("count", "The number of videos.", Example: generator.Model.GeneratesFreely ? "4" : null),
            new("input", "A video, a GIF or an image whose frames are given; the others are generated.",
                Example: generator.Model.GeneratesFreely ? null : "clip.mp4"),
            new("given", generator.Model.FillsIn
                ? "The numbers of the frames that the input gives, from 0, such as 0-3, or 0,15 to fill in between."
                : "The numbers of the frames that the input gives, from 0, such as 0-3.",
                Example: generator.Model.GeneratesFreely ? null : "0-3"),
            new("seconds", "The length of each video. Longer ones than the clips of training are continued from their "
                + "own last frames.", (generator.Schema.Frames / generator.Schema.Fps)
                    .ToString("0.###", CultureInfo.InvariantCulture)),
            .. generator.Model.SamplingFields.Select(field => new RequestOption(field, Default: field switch
            {
                "sampler" => generator.Defaults.Sampler,
                "steps" => FormattableString.Invariant($"{generator.Defaults.Steps}"),
                "guidance" => FormattableString.Invariant($"{generator.Defaults.Guidance}"),
                _ => null,
            })),
            .. generator.Model.ChoosesCodes ? CodeDecoding.RequestOptions(generator.Decoding) : [],
            new("out", "The file to write the videos to: .gif, .mp4 or .webm (side by side), .png (a contact sheet "
                + "with a row for each) or a folder that ends with / (a GIF for each).", Example: "clips.gif"),
        ];
    }

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) => model.As<VideoGenerator>() is not null;

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation) =>
        VideoData.Prepare(recipe.Data, recipe.Seed, folder, progress: progress, cancellation: cancellation);

    /// <inheritdoc/>
    public IDataSource Open(string folder) => VideoData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation) =>
        VideoData.Prepare(other.Section, other.Seed, other.Folder,
            VideoBundle.ReadSchema(ConfigFile.Read(other.Bundle.ConfigPath)), progress, cancellation)
            .Learning(other.Learned is null ? null : VideoData.Open(other.Learned));

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) =>
        new VideoEvaluator(context.Model.Require<VideoGenerator>(), (VideoData)context.Data, context, progress,
            cancellation).EvaluateAsync();

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        VideoAdvice.For(this, path, family, cancellation);
}
