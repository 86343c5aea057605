using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Recipes;
using Atelier.Tests.Data;
using static TorchSharp.torch;

namespace Atelier.Tests.Evaluation.Images;

/// <summary>The network that judges learns from the data, is kept, and tells copies from pictures of its own.</summary>
public sealed class ImageEvaluatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_classifier_learns_shapes_is_kept_and_opens_as_it_was()
    {
        using ImageData data = Shapes(600);
        string kept = _folder["classifier.safetensors"];
        double accuracy;
        Tensor features;
        using (LearnedFeatures network = await Open(data, kept))
        {
            network.KnowsClasses.ShouldBeTrue();
            PictureSet held = PictureSet.Of(data.Test, 100);
            PictureFeatures seen = network.Look(held, "held", null, CancellationToken.None);
            accuracy = seen.AreOf(held.Labels!).Average(right => right ? 1.0 : 0);
            accuracy.ShouldBeGreaterThan(0.3, "one in nine by chance");
            features = seen.Values;
        }
        DateTime written = File.GetLastWriteTimeUtc(kept);
        using LearnedFeatures again = await Open(data, kept);
        PictureFeatures same = again.Look(PictureSet.Of(data.Test, 100), "held", null, CancellationToken.None);
        same.Values.sub(features).abs().max().item<double>().ShouldBe(0, 1e-6);
        File.GetLastWriteTimeUtc(kept).ShouldBe(written);
        again.Description.ShouldContain("their classes");
    }

    [Fact]
    public async Task Pictures_taken_from_training_are_found_to_be_copies_and_new_ones_are_not()
    {
        using ImageData data = Shapes(600);
        using LearnedFeatures network = await Open(data, null);
        PictureSet training = PictureSet.Of(data.Train, data.Train.Count), held = PictureSet.Of(data.Test, 150);
        PictureSet fresh = Fresh(200), copies = training.Slice(40, 60);
        PictureCopying copied = PictureCopying.Check(network, copies, held, training, null, CancellationToken.None);
        copied.ByPixels.IsCopy.ShouldAllBe(copy => copy);
        copied.ByFeatures.IsCopy.Count(copy => copy).ShouldBe(60);
        copied.ByPixels.Index.ShouldBe(Enumerable.Range(40, 60));
        copied.ByPixels.Drawn.ShouldBe(0, 0.05, "in single precision of distances around 5");
        PictureCopying own = PictureCopying.Check(network, fresh, held, training, null, CancellationToken.None);
        own.Figures(new EvaluationSection(), 1).Values.ShouldAllBe(share => share.Value < 0.08);
    }

    private static PictureSet Fresh(int count) =>
        PictureSet.Of(ShapesWorld.Schema, [.. Enumerable.Range(0, count).SelectMany(n => ShapesWorld.Draw(99, n).Pixels)], null);

    private static Task<LearnedFeatures> Open(ImageData data, string? kept) => LearnedFeatures.OpenAsync(data, kept, 1, CPU, null, CancellationToken.None);

    private ImageData Shapes(int count) => ImageData.Prepare(
        new DataSection { Source = ShapesWorld.Name, WorldDocuments = count, Split = new SplitSection { Train = 0.8, Validation = 0, Test = 0.2 } }, 1, _folder[$"data{count}"]);
}
