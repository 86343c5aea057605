using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Recipes;
using Atelier.Tasks.Images;
using Atelier.Tests.Data;
using Atelier.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Evaluation.Images;

/// <summary>What is no copy is not called one, and noise is not said to be like real pictures.</summary>
public sealed class PictureJudgingTests
{
    private static readonly EvaluationSection Options = new() { BootstrapSamples = 100 };
    private static readonly ImageSchema Digits = new(28, 28, 1,
        [.. Enumerable.Range(0, 10).Select(digit => $"{digit}")]);

    [Theory]
    [InlineData(0.6)]
    [InlineData(1.2)]
    [InlineData(2.5)]
    public void Held_out_shapes_are_no_copies_however_blurred(double deviation)
    {
        using var network = new Pooled();
        ImageSet training = Shapes(1, 2000), held = Shapes(2, 400), other = Shapes(3, 300);
        Copied(ImageCopying.Check(network, other.Blurred(deviation), held, training, null, default))
            .ShouldAllBe(share => share < 0.06);
    }

    [Fact]
    public void Shapes_drawn_anew_are_no_copies_and_training_pictures_with_a_little_noise_are()
    {
        using var network = new Pooled();
        ImageSet training = Shapes(1, 2000), held = Shapes(2, 400);
        Copied(ImageCopying.Check(network, Shapes(4, 300), held, training, null, default)).ShouldAllBe(share =>
            share < 0.06);
        Copied(ImageCopying.Check(network, Noisy(training.First(200), 3), held, training, null, default))
            .ShouldAllBe(share => share > 0.9);
    }

    [Fact]
    public void Blurred_digits_are_no_copies_and_training_digits_with_noise_are()
    {
        using var scope = NewDisposeScope();
        using LeNet network = LeNet.Load(DataFolder.File("weights", "lenet-mnist", "lenet.pth"), Digits, CPU);
        ImageSet training = Read("train", 0, 6000), held = Read("t10k", 0, 1000), other = Read("t10k", 5000, 500);
        foreach (double deviation in (double[])[0.7, 1.5, 3])
            Copied(ImageCopying.Check(network, other.Blurred(deviation), held, training, null, default))
                .ShouldAllBe(share => share < 0.06);
        Copied(ImageCopying.Check(network, other, held, training, null, default)).ShouldAllBe(share => share < 0.06);
        ImageCopying copied = ImageCopying.Check(network, Noisy(training.Slice(100, 300), 8), held, training, null,
            default);
        copied.ByPixels.IsCopy.Count(copy => copy).ShouldBeGreaterThan(285);
        copied.ByPixels.Index.ShouldBe(Enumerable.Range(100, 300));
    }

    [Fact]
    public void Noise_recalls_no_real_digit_and_other_real_digits_recall_most()
    {
        using var scope = NewDisposeScope();
        using LeNet network = LeNet.Load(DataFolder.File("weights", "lenet-mnist", "lenet.pth"), Digits, CPU);
        Tensor Extract(ImageSet pictures) => network.Extract(pictures, "pictures", null, default).Values;
        Tensor real = Extract(Read("t10k", 0, 1000));
        NeighbourFigures.Of(Extract(ImageSet.Noise(Digits, 1000, 1)), real, Options, 1)["recall"]
            .Value.ShouldBeLessThan(0.02);
        NeighbourFigures.Of(Extract(Gaussian(1000)), real, Options, 1)["recall"].Value.ShouldBeLessThan(0.02);
        NeighbourFigures.Of(Extract(Read("train", 0, 1000)), real, Options, 1)["recall"].Value.ShouldBeGreaterThan(0.9);
    }

    [Fact]
    public void Points_far_from_one_another_recall_nothing_though_their_balls_hold_everything()
    {
        using var scope = NewDisposeScope();
        Tensor real = randn(500, 16, dtype: ScalarType.Float64, generator: new Generator(1));
        Tensor wide = randn(500, 16, dtype: ScalarType.Float64, generator: new Generator(2)).mul(20);
        Tensor same = randn(500, 16, dtype: ScalarType.Float64, generator: new Generator(3));
        NeighbourFigures.Of(wide, real, Options, 1)["recall"].Value.ShouldBeLessThan(0.02);
        NeighbourFigures.Of(same, real, Options, 1)["recall"].Value.ShouldBeGreaterThan(0.9);
    }

    [Fact]
    public void A_blur_is_what_every_weight_added_up_gives_and_takes_sharpness_away()
    {
        ImageSet shapes = Shapes(5, 3), blurred = shapes.Blurred(1);
        ImageSchema schema = shapes.Schema;
        byte[] before = new byte[schema.Size], after = new byte[schema.Size];
        shapes.Read(1, before);
        blurred.Read(1, after);
        foreach ((int channel, int y, int x) in ((int, int, int)[])[(0, 0, 0), (1, 5, 9), (2, schema.Height - 1, 3)])
        {
            double sum = 0, weights = 0;
            for (int v = Math.Max(0, y - 3); v <= Math.Min(schema.Height - 1, y + 3); v++)
            {
                for (int u = Math.Max(0, x - 3); u <= Math.Min(schema.Width - 1, x + 3); u++)
                {
                    double weight = Math.Exp(-0.5 * (((u - x) * (u - x)) + ((v - y) * (v - y))));
                    sum += weight * before[(((channel * schema.Height) + v) * schema.Width) + u];
                    weights += weight;
                }
            }
            ((double)after[(((channel * schema.Height) + y) * schema.Width) + x]).ShouldBe(sum / weights, 0.51);
        }
        double[] sharp = ImageBlur.Sharpness(shapes), soft = ImageBlur.Sharpness(blurred);
        Enumerable.Range(0, 3).ShouldAllBe(i => soft[i] < sharp[i]);
        ImageBlur.Sharpness(ImageSet.Of(schema, new byte[schema.Size], null)).ShouldBe([0]);
    }

    [Fact]
    public void Distances_compare_as_many_pictures_on_both_sides_and_say_how_many()
    {
        using var network = new Pooled();
        using var folder = new TemporaryFolder();
        using ImageData data = ImageData.Prepare(
            new DataSection { Source = ShapesWorld.Name, WorldDocuments = 1500,
                Split = new SplitSection { Train = 0.6, Validation = 0, Test = 0.4 } }, 1, folder["data"]);
        var judging = new Atelier.Tasks.EvaluationContext(null!, data, Options, "run", 1, null);
        var comparison = new ImageComparison(network, data, data.Test, 120, 0, judging, null, default);
        Dictionary<string, Metric> figures = comparison.Figures(Shapes(7, 120), "drawn pictures",
            out ImageFeatures seen);
        figures.Values.ShouldAllBe(f => f.Unit.EndsWith(", 120 pictures on each side", StringComparison.Ordinal));
        comparison.Notes.ShouldContain(note =>
            note.Contains("as many held-out ones, 120 on each side", StringComparison.Ordinal));
        Tensor real = network.Extract(ImageSet.Of(data.Test, data.Test.Count), "real", null, default).Values;
        long[] evenly = [.. Enumerable.Range(0, 120).Select(i => i * (long)data.Test.Count / 120)];
        figures["frechetDistance"].Value.ShouldBe(FrechetDistance.Of(seen.Values,
            real.index_select(0, tensor(evenly))), 1e-9);
    }

    private static IEnumerable<double> Copied(ImageCopying check) =>
        check.Figures(Options, 1).Values.Select(share => share.Value);

    private static ImageSet Shapes(long seed, int count) =>
        ImageSet.Of(ShapesWorld.Schema,
            [.. Enumerable.Range(0, count).SelectMany(n => ShapesWorld.Sample(seed, n).Pixels)], null);

    private static ImageSet Noisy(ImageSet pictures, int most) => pictures with
    {
        Content = null,
        Read = (number, room) =>
        {
            pictures.Read(number, room);
            var random = new SplitMix64((ulong)number);
            foreach (ref byte value in room.Span[..pictures.Schema.Size])
                value = (byte)Math.Clamp(value + random.Next((2 * most) + 1) - most, 0, 255);
        },
    };

    private static ImageSet Gaussian(int count) => new(Digits, count, null, (number, room) =>
    {
        var random = new SplitMix64((ulong)number);
        foreach (ref byte value in room.Span[..Digits.Size])
        {
            // Box and Muller 1958.
            double length = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            value = (byte)Math.Clamp(128 + (64 * length * Math.Cos(Math.Tau * random.NextDouble())), 0, 255);
        }
    });

    private static ImageSet Read(string name, int first, int count)
    {
        byte[] pixels = IdxFile.Read(DataFolder.File("mnist", $"{name}-images-idx3-ubyte.gz")).Values;
        return ImageSet.Of(Digits, pixels[(first * Digits.Size)..((first + count) * Digits.Size)], null);
    }

    /// <summary>Sees the means of eight by eight parts of a picture.</summary>
    private sealed class Pooled : FeatureNetwork
    {
        public override string Description => "means of parts";

        public override bool KnowsClasses => false;

        protected override IEnumerable<(string Name, Tensor Weight)> Weights => [];

        public override void Dispose()
        {
            // It holds nothing.
        }

        protected override (Tensor Features, Tensor? Logits) Forward(Tensor pictures) =>
            (nn.functional.adaptive_avg_pool2d(pictures, [8, 8]).flatten(1), null);
    }
}
