using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Evaluation.Ratings;
using Atelier.Formats;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Audio;

namespace Atelier;

public sealed partial class Workshop
{
    private const string StudyFile = "study.db";

    /// <summary>
    /// Generates outputs of several models for people to judge, and writes them as a study: the whole study, or
    /// nothing. Raters are not asked about pairs of identical outputs.
    /// </summary>
    /// <param name="folder">The folder of the study, with study.db and media files; it must not exist, or be
    /// empty.</param>
    /// <param name="request">The models, the prompts, and how outputs are judged.</param>
    /// <param name="progress">Receives a message for each model, and the number of pairs of identical outputs.</param>
    /// <param name="cancellation">Cancels the operation; nothing is left behind.</param>
    /// <returns>The path of the study's store.</returns>
    /// <exception cref="AtelierException">The folder is not empty, a model cannot be opened or does not generate what
    /// the prompts ask for, or the study is not valid.</exception>
    public async Task<string> CreateStudyAsync(string folder, StudyRequest request, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new AtelierException("the folder is not empty", folder, "name a new folder");
        if (request.Count < 1)
            throw new AtelierException($"{request.Count} outputs for each prompt", Mention.Field("count"),
                "allowed: 1 or more");
        var items = new List<StudyItem>();
        var media = new StudyMedia();
        var samples = new Dictionary<string, Sample>(StringComparer.Ordinal);
        foreach ((string name, string path) in request.Models)
        {
            progress?.Report($"generating with {name}");
            using ITrainedModel model = Open(path, new OpenOptions(), cancellation);
            await foreach ((string prompt, string id, Sample sample) in SamplesAsync(model, TaskOf(path, model),
                request, cancellation).ConfigureAwait(false))
            {
                string item = FormattableString.Invariant($"{items.Count + 1}");
                items.Add(ItemOf(sample, item, media) with { PromptId = id, Prompt = prompt, Model = name });
                samples.Add(item, sample);
            }
        }
        var random = new SplitMix64((ulong)request.Seed);
        var checks = new List<AttentionCheck>();
        var spoilt = new List<StudyItem>();
        int wanted = request.Kind == StudyKind.Pairwise ? Math.Min(request.Checks, items.Count) : 0;
        for (int i = 0; i < wanted; i++)
        {
            StudyItem better = items[i * items.Count / wanted];
            if (SpoiltSample.Of(samples[better.Id], ref random) is not { } sample)
                continue; // nothing to tell apart, such as an empty text
            StudyItem worse = ItemOf(sample, $"check-{i + 1}", media) with
            {
                PromptId = better.PromptId, Prompt = better.Prompt, Model = "check",
            };
            spoilt.Add(worse);
            checks.Add(new AttentionCheck(better.Id, worse.Id));
        }
        var study = new Study
        {
            Id = request.Id, Title = request.Title, Kind = request.Kind, Items = items, Rubrics = request.Rubrics,
            CheckItems = spoilt, Checks = checks, Seed = request.Seed,
        };
        study.Check();
        int twins = request.Kind == StudyKind.Pairwise ? new StudyIndex(study).Twins : 0;
        if (twins > 0)
            progress?.Report($"left out: {Quantity.Of(twins, "pair")} of identical outputs");
        return WriteStudy(folder, study, media);
    }

    /// <summary>Writes a study and its media into a folder, all or nothing.</summary>
    /// <returns>The path of the store.</returns>
    internal static string WriteStudy(string folder, Study study, StudyMedia media)
    {
        BundleWriter.Replace(folder, partial =>
        {
            foreach ((string file, byte[] content) in media.Files)
                AtomicFile.Write(Path.Combine(partial, file), stream => stream.Write(content));
            RatingStore.Create(Path.Combine(partial, StudyFile), study).Dispose();
        });
        return Path.Combine(folder, StudyFile);
    }

    /// <summary>The outputs of a model for each prompt, which have the same ids for each model.</summary>
    private async IAsyncEnumerable<(string Prompt, string Id, Sample Sample)> SamplesAsync(ITrainedModel model,
        ITask task, StudyRequest request,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        bool takesPrompts = task.RequestOptions(model).Any(option => option.Field == "prompt");
        IReadOnlyList<string> prompts = request.Prompts.Count > 0 ? request.Prompts : [""];
        foreach ((int number, string prompt) in prompts.Index())
        {
            string? given = prompt.Length == 0 ? null : prompt;
            var asked = new GenerationRequest
            {
                Count = request.Count, Seed = request.Seed + number, Prompt = takesPrompts ? given : null,
                Class = takesPrompts ? null : given,
            };
            int index = 0;
            await foreach (Sample sample in task.GenerateAsync(model, asked, cancellation).ConfigureAwait(false))
                yield return (prompt, FormattableString.Invariant($"{number + 1}.{++index}"), sample);
        }
    }

    /// <summary>An output as an item of a study; an image, a sound or a video becomes a file.</summary>
    private static StudyItem ItemOf(Sample sample, string id, StudyMedia media)
    {
        var item = new StudyItem { Id = id, PromptId = "", Prompt = "", Model = "" };
        return sample switch
        {
            ImageSample image => item with
            {
                File = media.Add(id, "png",
                    ImageFiles.EncodePng(image.Width, image.Height, image.Channels, image.Pixels.Span)),
                MediaType = "image/png",
            },
            AudioSample sound => item with
            {
                File = media.Add(id, "wav", AudioOutput.Joined([sound])), MediaType = "audio/wav",
            },
            VideoSample video => item with { File = media.Add(id, "gif", Gif(video)), MediaType = "image/gif" },
            _ => item with { Text = sample.Shown },
        };
    }

    private static byte[] Gif(VideoSample video)
    {
        var delay = TimeSpan.FromSeconds(1 / video.Fps);
        byte[][] frames = [.. video.Frames.Select(frame => frame.ToArray())];
        return GifFile.Encode(video.Width, video.Height, video.Channels, frames, delay, delay);
    }
}
