using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Data.Video;
using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Evaluation.Video;
using Atelier.Runs;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tasks.Video;

/// <summary>
/// Evaluates video models: the loss on held-out clips, the continuation of held-out clips compared with repeating the
/// last given frame, and the generated clips: what they show over time, where it can be read, and copying.
/// </summary>
internal sealed class VideoEvaluator(VideoGenerator generator, VideoData data, EvaluationContext context,
    IProgress<string>? progress, CancellationToken cancellation)
{
    private const int ShownClips = 6;
    private const string KeptClassifier = "judge/clips.safetensors";

    private readonly VideoSchema _schema = generator.Schema;
    private readonly VideoSampling _sampling = generator.Resolve();
    private readonly Dictionary<string, Metric> _metrics = [];
    private readonly Dictionary<string, IReadOnlyDictionary<string, Metric>> _baselines = [];
    private readonly List<string> _notes = [];
    private readonly List<ReportImage> _images = [];

    /// <summary>Evaluates the model.</summary>
    /// <exception cref="AtelierException">There are no clips to evaluate on.</exception>
    public async Task<EvaluationReport> EvaluateAsync()
    {
        VideoPart part = data.Test.Count > 0 && !context.OnValidation ? data.Test : data.Validation;
        if (part.Count == 0)
            throw new AtelierException("no clips are held out for evaluation", data.Facts.Source,
                "give data.split a test part");
        using ClipFeatures? features = await OpenFeaturesAsync(part).ConfigureAwait(false);
        return await Task.Run(() => Evaluate(part, features), cancellation).ConfigureAwait(false);
    }

    private EvaluationReport Evaluate(VideoPart part, ClipFeatures? features)
    {
        int count = Math.Min(context.Options.Pictures, part.Count);
        _notes.Add(string.Create(CultureInfo.InvariantCulture,
            $"{Quantity.Of(part.Count, "held-out clip")}; 95 % intervals by bootstrap over clips."));
        Loss(part, count);
        Continue(part, count);
        bool isRead = generator.Model.GeneratesFreely && data.Facts.Source == MovingShapes.Name
            && MovingShapes.Reads(_schema);
        if (generator.Model.GeneratesFreely)
            Generate(part, isRead, features);
        JudgedOn on = JudgedOn.Of(data.Facts.Source, part == data.Test ? Part.Test : Part.Validation, context.Other,
            "clips", () => 0, mostRepeated: 1);
        _notes.AddRange(on.Notes);
        var report = new EvaluationReport
        {
            Run = context.Run,
            Data = on.Data,
            Headline = new("peakSignalToNoise", "dB", MoreIsBetter: true, "continued " + on.Lead + " clips:"),
            Metrics = _metrics,
            Baselines = _baselines,
            Sections = _images.Count == 0 ? [] : [new("Clips") { Images = _images }],
            Picture = context.Picture is null ? null : Path.GetFileName(context.Picture),
            Notes = _notes,
        };
        if (context.Picture is not null)
            EvaluationPlot.Save(context.Picture, report);
        return report;
    }

    private void Loss(VideoPart part, int count)
    {
        progress?.Report(FormattableString.Invariant($"the loss on {Quantity.Of(count, "clip")}"));
        var batches = new VideoBatches(part, generator.BatchSize, seed: 0, shuffled: false);
        var scores = new List<MeanScore>();
        Device device = generator.Model.parameters().First().device;
        using var mode = new EvaluationMode(generator.Model);
        for (long number = 0; number * batches.ItemsPerBatch < count; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            VideoBatch batch = batches.Get(number).Move(values => values.to(device));
            long rows = batch.Labels.shape[0];
            scores.Add(new(rows * generator.Model.Evaluate(batch)["loss"], rows));
        }
        _metrics["loss"] = MeanScore.Mean(scores, context.Options, context.Seed, generator.Model.Unit("loss"));
    }

    /// <summary>
    /// Continues held-out clips from their first frames, and compares with repeating the last of these.
    /// </summary>
    private void Continue(VideoPart part, int count)
    {
        int given = VideoTask.GivenCount(_schema), from = given * _schema.FrameSize;
        byte[] truth = Clips(part, count), continued = new byte[truth.Length], repeated = [.. truth];
        for (int first = 0; first < count; first += generator.BatchSize)
        {
            int some = Math.Min(generator.BatchSize, count - first);
            using var scope = NewDisposeScope();
            byte[] range = truth[(first * _schema.Size)..((first + some) * _schema.Size)];
            var values = new float[range.Length];
            Data.Images.ImageBatches.Scale(range, values);
            Tensor labels = tensor(part.Labels.Skip(first).Take(some).Select(label => (long)label).ToArray());
            generator.Sample(context.Seed, first, some, GivenFrames.First(VideoBatches.Shaped(values, _schema), given),
                labels, _sampling, cancellation).CopyTo(continued, first * _schema.Size);
            progress?.Report(FormattableString.Invariant($"{first + some} of {Quantity.Of(count, "clip")} continued"));
        }
        for (int clip = 0; clip < count; clip++)
        {
            ReadOnlySpan<byte> last = truth.AsSpan((clip * _schema.Size) + from - _schema.FrameSize, _schema.FrameSize);
            for (int frame = given; frame < _schema.Frames; frame++)
                last.CopyTo(repeated.AsSpan((clip * _schema.Size) + (frame * _schema.FrameSize)));
        }
        MeanScore[] own = Ratios(continued, truth, from, count), other = Ratios(repeated, truth, from, count);
        _metrics["peakSignalToNoise"] = Mean(own, "dB");
        _metrics["peakSignalToNoiseGain"] =
            MeanScore.Difference(own, other, context.Options.BootstrapSamples, context.Seed, "dB");
        _metrics["structuralSimilarity"] = Mean(Similarities(continued, truth, given, count), "of at most 1");
        _baselines["lastFrameRepeated"] = new Dictionary<string, Metric>
        {
            ["peakSignalToNoise"] = Mean(other, "dB"),
            ["structuralSimilarity"] = Mean(Similarities(repeated, truth, given, count), "of at most 1"),
        };
        _notes.Add(string.Create(CultureInfo.InvariantCulture,
            $"peakSignalToNoise, structuralSimilarity: of the last {_schema.Frames - given} frames of "
                + $"{Quantity.Of(count, "held-out clip")}, continued from the first {given}; lastFrameRepeated repeats "
                + $"the last given frame, and peakSignalToNoiseGain is the difference clip by clip."));
        Album("continued", "Held-out clips, each above its continuation from the first frames.",
            [.. Enumerable.Range(0, Math.Min(ShownClips, count))
                .SelectMany(i => new[] { (truth, i), (continued, i) })]);
    }

    /// <summary>Opens the features that generated clips are compared by; null if there are too few clips.</summary>
    private async Task<ClipFeatures?> OpenFeaturesAsync(VideoPart part)
    {
        int fewest = Math.Min(context.Options.Pictures, Math.Min(part.Count, data.Train.Count));
        if (!generator.Model.GeneratesFreely || fewest <= ClipClassifier.Width)
            return null;
        string? kept = context.Folder is null ? null : Path.Combine(context.Folder, KeptClassifier);
        return await ClipFeatures.OpenAsync(data.Train, part, kept, context.Seed,
            generator.Model.parameters().First().device, progress, cancellation).ConfigureAwait(false);
    }

    private void Generate(VideoPart part, bool isRead, ClipFeatures? features)
    {
        int count = context.Options.Pictures;
        var labels = new int[count];
        var clips = new byte[(long)count * _schema.Size];
        VideoPart like = data.Train.Count > 0 ? data.Train : part;
        for (int i = 0; i < count; i++)
            labels[i] = like.Labels[(int)((long)i * like.Count / count)];
        for (int first = 0; first < count; first += generator.BatchSize)
        {
            int some = Math.Min(generator.BatchSize, count - first);
            using var scope = NewDisposeScope();
            Tensor asked = tensor(labels.AsSpan(first, some).ToArray().Select(label => (long)label).ToArray());
            generator.Sample(context.Seed, first, some, given: null, asked, _sampling, cancellation)
                .CopyTo(clips, (long)first * _schema.Size);
            progress?.Report(FormattableString.Invariant($"{first + some} of {Quantity.Of(count, "clip")} generated"));
        }
        Album("samples", "Generated clips.",
            [.. Enumerable.Range(0, Math.Min(2 * ShownClips, count)).Select(i => (clips, i))]);
        if (isRead)
        {
            int held = Math.Min(count, part.Count);
            Add(_metrics, ReadBack(clips, labels, generator.IsConditional));
            var truth = new Dictionary<string, Metric>();
            Add(truth, ReadBack(Clips(part, held), [.. part.Labels.Take(held)], isAsked: true));
            _baselines["heldOutClips"] = truth;
            _notes.Add(string.Create(CultureInfo.InvariantCulture,
                $"attributesRight: the share of {Quantity.Of(count, "generated clip")} in which all frames show one "
                    + $"shape of one size, form and colour{(generator.IsConditional ? ", as asked," : "")} on a path "
                    + $"with constant speed that is reversed at the walls only, read back from the pixels; "
                    + $"heldOutClips are read the same way."));
        }
        if (features is not null)
            Compare(features, clips, part);
        if (part.Count >= ClipCopying.FewestHeld && data.Train.Count > 0)
        {
            var copying = ClipCopying.Check(clips, part, data.Train, cancellation);
            _metrics["copied"] = copying.Figure(context.Options, context.Seed);
            _notes.Add(copying.Note);
        }
    }

    /// <summary>The Fréchet distance of generated clips to held-out ones, beside that of training clips.</summary>
    private void Compare(ClipFeatures features, byte[] clips, VideoPart part)
    {
        using var scope = NewDisposeScope();
        int held = Math.Min(context.Options.Pictures, part.Count), like = Math.Min(held, data.Train.Count);
        Tensor real = features.Of(Clips(part, held), _schema);
        Metric Distance(byte[] others) =>
            FrechetDistance.Of(features.Of(others, _schema), real, context.Options, context.Seed);
        _metrics["frechetDistance"] = Distance(clips);
        _baselines["trainingClips"] = new Dictionary<string, Metric>
        {
            ["frechetDistance"] = Distance(Clips(data.Train, like)),
        };
        _notes.Add(string.Create(CultureInfo.InvariantCulture, $"frechetDistance: of {features.Description}. "
            + $"{clips.Length / _schema.Size} generated, {held} held-out and {like} training clips; fewer clips make "
            + $"every Fréchet distance larger."));
    }

    /// <summary>
    /// For the world of moving shapes: the shares of clips whose attributes are right over all frames.
    /// </summary>
    private Dictionary<string, Metric> ReadBack(byte[] clips, int[] labels, bool isAsked)
    {
        var read = new ReadShape[clips.Length / _schema.Size];
        Parallel.For(0, read.Length, i =>
            read[i] = MovingShapesReader.Read(clips.AsSpan(i * _schema.Size, _schema.Size)));
        ReadShape[] bouncing = [.. read.Where(clip => clip.BounceCount > 0)];
        var figures = new Dictionary<string, Metric>
        {
            ["attributesRight"] = Share(read.Select((clip, i) => clip.IsRight(isAsked ? labels[i] : null))),
            ["persists"] = Share(read.Select(clip => clip.Persists)),
            ["keepsColour"] = Share(read.Select(clip => clip.KeepsColour)),
            ["keepsForm"] = Share(read.Select(clip => clip.KeepsForm)),
            ["keepsVelocity"] = Share(read.Select(clip => clip.KeepsVelocity)),
        };
        if (bouncing.Length > 0)
            figures["bouncesAtWall"] = Share(bouncing.Select(clip => clip.KeepsVelocity));
        if (isAsked)
            figures["classAccuracy"] = Share(read.Select((clip, i) => clip.Label == labels[i]));
        return figures;

        Metric Share(IEnumerable<bool> right) =>
            Mean([.. right.Select(one => new MeanScore(one ? 1 : 0, 1))], "share of clips");
    }

    private MeanScore[] Ratios(byte[] clips, byte[] truth, int from, int count) => [.. Enumerable.Range(0, count)
        .Select(i => new MeanScore(FrameErrors.PeakSignalToNoise(
            clips.AsSpan((i * _schema.Size) + from, _schema.Size - from),
            truth.AsSpan((i * _schema.Size) + from, _schema.Size - from)), 1))];

    private MeanScore[] Similarities(byte[] clips, byte[] truth, int given, int count)
    {
        int plane = _schema.Width * _schema.Height;
        return [.. Enumerable.Range(0, count).AsParallel().AsOrdered().WithCancellation(cancellation).Select(i =>
        {
            double sum = 0;
            int first = given * _schema.Channels, planes = _schema.Frames * _schema.Channels;
            for (int n = first; n < planes; n++)
                sum += FrameErrors.StructuralSimilarity(clips.AsSpan((i * _schema.Size) + (n * plane), plane),
                    truth.AsSpan((i * _schema.Size) + (n * plane), plane), _schema.Width);
            return new MeanScore(sum, planes - first);
        })];
    }

    private byte[] Clips(VideoPart part, int count)
    {
        var clips = new byte[(long)count * _schema.Size];
        for (int i = 0; i < count; i++)
            part.Read(i, clips.AsSpan(i * _schema.Size, _schema.Size));
        return clips;
    }

    private Metric Mean(MeanScore[] scores, string unit) =>
        MeanScore.Mean(scores, context.Options, context.Seed, unit);

    private void Album(string name, string caption, IReadOnlyList<(byte[] Clips, int Number)> rows)
    {
        if (context.Picture is null)
            return;
        string file = $"{Path.GetFileNameWithoutExtension(context.Picture)}-{name}.png";
        ContactSheet.Write(Path.Combine(Path.GetDirectoryName(context.Picture)!, file), _schema,
            [.. rows.Select(row => VideoGenerator.Frames(_schema,
                row.Clips.AsSpan(row.Number * _schema.Size, _schema.Size)))]);
        _images.Add(new ReportImage(file, caption));
    }

    private static void Add(Dictionary<string, Metric> metrics, IReadOnlyDictionary<string, Metric> more)
    {
        foreach ((string name, Metric metric) in more)
            metrics[name] = metric;
    }
}
