using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Runs;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>
/// Interpolations from each of several ends to the next. The images of a request are divided evenly among them. Ends
/// are seeds, whose noise is interpolated on the great circle (Shoemake 1985, section 3.3), since points on the
/// straight line between two noise vectors have too small a norm; or images, mixed after adding the same noise (Ho et
/// al. 2020, section 4.4).
/// </summary>
public sealed class Interpolation
{
    /// <summary>The default number of images of an interpolation, including both ends.</summary>
    public const int UsualSteps = 11;

    private readonly ImageGenerator _generator;
    private readonly GenerationRequest _request;
    private readonly IReadOnlyList<long>? _seeds;
    private readonly IReadOnlyList<byte[]>? _images; // each: channels, rows, columns
    private readonly int[]? _labels; // the classes of the ends
    private readonly int _steps;

    /// <summary>Decodes the ends of a request.</summary>
    /// <param name="ends">The ends.</param>
    /// <param name="request">The request.</param>
    /// <param name="generator">The generator of the images.</param>
    /// <exception cref="AtelierException">An image cannot be decoded, there are not two ends, a class does not exist,
    /// or the count does not fit.</exception>
    public Interpolation(InterpolationEnds ends, GenerationRequest request, ImageGenerator generator)
    {
        (_generator, _request) = (generator, request);
        int count = ends.AreSeeds ? ends.Seeds.Count : ends.Images.Count, paths = count - 1;
        if (paths < 1)
            throw new AtelierException(count == 1 ? "there is only one end" : "there are no ends",
                Mention.Field("interpolate"), "give two or more");
        _seeds = ends.AreSeeds ? ends.Seeds : null;
        ImageSchema schema = generator.Schema;
        _images = ends.AreSeeds ? null
            : [.. ends.Images.Select(end =>
                ImageFiles.Decode(end, schema.Width, schema.Height, schema.Channels))];
        _steps = request.Count / paths;
        if (_steps < 2 || request.Count % paths != 0)
            throw new AtelierException(
                $"{request.Count} images cannot be divided equally, two or more each, between {paths} "
                    + $"{(paths == 1 ? "path" : "paths")}", Mention.Field("count"),
                "ask for two or more images per interpolation");
        _labels = generator.IsConditional ? Classes(count) : request.Class is { } name ? [generator.Label(name)] : null;
    }

    /// <summary>Returns the noise of images, [count, size].</summary>
    public Tensor Noise(int first, int count) => Each(first, count, (path, share) => _seeds is null
        ? First(_request.Seed) // the same for all, so that paths meet at their ends
        : OnGreatCircle(First(_seeds[path]), First(_seeds[path + 1]), share));

    /// <summary>
    /// Returns the classes of the images: [count], int64, if all ends have the same class, otherwise class weights,
    /// [count, classes], fp32. Null for a model without classes.
    /// </summary>
    public Tensor? Labels(int first, int count)
    {
        if (_labels is null)
            return null;
        if (_labels.Distinct().Count() == 1)
            return KeptScalars.Full([count], _labels[0], ScalarType.Int64);
        using Tensor all = eye(_generator.Schema.Classes.Count);
        return Each(first, count, (path, share) => all[_labels[path]].lerp(all[_labels[path + 1]], share));
    }

    /// <summary>
    /// Returns mixtures of the images at both ends by the interpolation weight, [count, channels, height, width], −1 to
    /// 1; null where the ends are seeds.
    /// </summary>
    public Tensor? Given(int first, int count)
    {
        if (_images is null)
            return null;
        ImageSchema schema = _generator.Schema;
        return Each(first, count, (path, share) => Image(path).lerp(Image(path + 1), share));

        Tensor Image(int end) => ImageBatches.Scaled(_images[end], schema)[0];
    }

    /// <summary>Returns the class of the nearer end; null for a model without classes.</summary>
    public int? Label(int number) =>
        _labels is null ? null : _labels[(number / _steps) + (Share(number) < 0.5 ? 0 : 1)];

    /// <summary>(sin((1 − s) Ω) a + sin(s Ω) b) / sin Ω, with Ω the angle between a and b.</summary>
    internal static Tensor OnGreatCircle(Tensor from, Tensor to, double share)
    {
        using var scope = NewDisposeScope();
        double cosine = from.dot(to).Number() / (from.norm().Number() * to.norm().Number()),
            angle = Math.Acos(Math.Clamp(cosine, -1, 1));
        Tensor between = Math.Sin(angle) < 1e-6 ? from.lerp(to, share) // the same direction: there is one path
            : from.Times(Math.Sin((1 - share) * angle) / Math.Sin(angle))
                .Plus(to.Times(Math.Sin(share * angle) / Math.Sin(angle)));
        return between.MoveToOuterDisposeScope();
    }

    private double Share(int number) => number % _steps / (_steps - 1.0);

    private Tensor Each(int first, int count, Func<int, double, Tensor> of) =>
        stack([.. Enumerable.Range(first, count).Select(n => of(n / _steps, Share(n)))]);

    /// <summary>Returns the noise of a seed's first image.</summary>
    private Tensor First(long seed) => _generator.Noise(seed, 0, 1)[0];

    /// <summary>
    /// Returns the class of each end: the requested one, one for each end separated by commas, or the class of the
    /// seed's first image.
    /// </summary>
    private int[] Classes(int ends)
    {
        if (_request.Class is not { } asked)
        {
            return _seeds is null
                ? throw new AtelierException("the model samples by class, and images have no class",
                    Mention.Field("class"),
                    "name one class for all, or one for each image, separated by commas")
                : [.. _seeds.Select(seed => (int)_generator.Labels(seed, 0, 1, null)[0].Number())];
        }
        string[] names = _generator.Schema.Classes.Contains(asked) ? [asked]
            : asked.Split(',', StringSplitOptions.TrimEntries);
        if (names.Length != 1 && names.Length != ends)
            throw new AtelierException($"{names.Length} classes are named for {ends} end points",
                Mention.Field("class"),
                "name one for all, or one for each");
        return [.. Enumerable.Range(0, ends).Select(end => _generator.Label(names[names.Length == 1 ? 0 : end]))];
    }
}
