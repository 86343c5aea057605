using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Models;
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
            ImageSet held = ImageSet.Of(data.Test, 100);
            ImageFeatures seen = network.Extract(held, "held", null, CancellationToken.None);
            accuracy = seen.AreOf(held.Labels!).Average(right => right ? 1.0 : 0);
            accuracy.ShouldBeGreaterThan(0.3, "one in nine by chance");
            features = seen.Values;
        }
        DateTime written = File.GetLastWriteTimeUtc(kept);
        using LearnedFeatures again = await Open(data, kept);
        ImageFeatures same = again.Extract(ImageSet.Of(data.Test, 100), "held", null, CancellationToken.None);
        same.Values.sub(features).abs().max().item<double>().ShouldBe(0, 1e-6);
        File.GetLastWriteTimeUtc(kept).ShouldBe(written);
        again.Description.ShouldContain("their classes");
    }

    [Fact]
    public async Task Pictures_taken_from_training_are_found_to_be_copies_and_new_ones_are_not()
    {
        using ImageData data = Shapes(600);
        using LearnedFeatures network = await Open(data, null);
        ImageSet training = ImageSet.Of(data.Train, data.Train.Count), held = ImageSet.Of(data.Test, 150);
        ImageSet fresh = Fresh(200), copies = training.Slice(40, 60);
        ImageCopying copied = ImageCopying.Check(network, copies, held, training, null, CancellationToken.None);
        copied.ByPixels.IsCopy.ShouldAllBe(copy => copy);
        copied.ByFeatures.IsCopy.Count(copy => copy).ShouldBe(60);
        copied.ByPixels.Index.ShouldBe(Enumerable.Range(40, 60));
        copied.ByPixels.Drawn.ShouldBe(0, 0.05, "in single precision of distances around 5");
        ImageCopying own = ImageCopying.Check(network, fresh, held, training, null, CancellationToken.None);
        own.Figures(new EvaluationSection(), 1).Values.ShouldAllBe(share => share.Value < 0.08);
    }

    [Fact]
    public async Task A_kept_classifier_is_taught_anew_where_the_training_pictures_have_changed()
    {
        string kept = _folder["classifier.safetensors"];
        var told = new Said();
        using (ImageData before = Shapes(200))
            (await LearnedFeatures.OpenAsync(before, kept, 1, CPU, told, CancellationToken.None)).Dispose();
        byte[] first = File.ReadAllBytes(kept);
        using ImageData after = Shapes(260);
        (await LearnedFeatures.OpenAsync(after, kept, 1, CPU, told, CancellationToken.None)).Dispose();
        told.Lines.ShouldContain(line => line.Contains("training it again", StringComparison.Ordinal));
        File.ReadAllBytes(kept).ShouldNotBe(first);
    }

    [Fact]
    public async Task Features_of_real_pictures_are_kept_by_content_and_looked_at_anew_where_they_are_damaged()
    {
        using ImageData data = Shapes(200);
        using LearnedFeatures network = await Open(data, null);
        network.Cache = new FeatureCache(_folder["features"]);
        ImageSet set = ImageSet.Of(data.Test, 40);
        var told = new Said();
        ImageFeatures first = Extract(set);
        string file = Directory.GetFiles(_folder["features"]).Single();
        DateTime written = File.GetLastWriteTimeUtc(file);
        Same(Extract(set), first);
        File.GetLastWriteTimeUtc(file).ShouldBe(written);
        Extract(set.Slice(3, 37));
        Extract(Fresh(5));
        Directory.GetFiles(_folder["features"]).Length.ShouldBe(2,
            "other pictures have other features, and drawn ones are not kept");

        byte[] bytes = File.ReadAllBytes(file);
        bytes[^100] ^= 1;
        File.WriteAllBytes(file, bytes);
        Same(Extract(set), first);
        told.Lines.ShouldContain(line => line.Contains("is damaged", StringComparison.Ordinal));
        File.WriteAllText(file, "no features");
        Same(Extract(set), first);
        Same(Extract(set), first);
        told.Lines.Count(line => line.Contains("computed again", StringComparison.Ordinal))
            .ShouldBe(2, "what was damaged is written anew");

        ImageFeatures Extract(ImageSet pictures) => network.Extract(pictures, "pictures", told, CancellationToken.None);
        static void Same(ImageFeatures one, ImageFeatures other)
        {
            one.Values.sub(other.Values).abs().max().item<double>().ShouldBe(0);
            one.LogProbabilities!.sub(other.LogProbabilities!).abs().max().item<double>().ShouldBe(0);
        }
    }

    [Fact]
    public async Task Pictures_without_classes_that_are_not_square_are_judged_by_which_way_they_are_turned()
    {
        Directory.CreateDirectory(_folder["pictures"]);
        for (int i = 0; i < 60; i++)
            ImageFiles.WritePng(_folder[$"pictures/{i:00}.png"], 24, 16, 1,
                [.. Enumerable.Range(0, 24 * 16).Select(at => (byte)((at % 24 * 9) + (i % 7)))]);
        Recipe recipe = RecipeReader.Read("shapes-diffusion", ModelFamilies.All,
        [
            $"data.source={_folder["pictures"]}", "model.conditional=false", "model.channels=[8]", "model.patchSize=4",
                "generation.steps=2", "training.steps=4",
            "training.batchSize=8", "training.evaluateEvery=0", "training.sampleEvery=0", "training.device=cpu",
                "evaluation.pictures=20", "evaluation.likelihoodPictures=5",
        ]);
        await new Workshop().TrainAsync(recipe, new(_folder["run"]));
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"]);
        report.Metrics.Keys.ShouldContain("frechetDistance");
        report.Metrics.Keys.ShouldContain("bitsPerDimension");
        report.Metrics.Keys.ShouldNotContain("classAccuracy");
        report.Notes.ShouldContain(note => note.Contains("their rotation", StringComparison.Ordinal));
        Directory.GetFiles(_folder["run/data/features"]).ShouldNotBeEmpty();
        // Kept features are the same to the bit; the products of their covariances round as memory is aligned.
        Metric first = report.Metrics["frechetDistance"],
            again = (await new Workshop().EvaluateAsync(_folder["run"])).Metrics["frechetDistance"];
        again.Value.ShouldBe(first.Value, first.Value * 1e-9, "from kept features as from new ones");
        again.Low.ShouldBe(first.Low, first.Low * 1e-9);
        again.High.ShouldBe(first.High, first.High * 1e-9);
    }

    private sealed class Said : IProgress<string>
    {
        public List<string> Lines { get; } = [];

        public void Report(string value) => Lines.Add(value);
    }

    private static ImageSet Fresh(int count) =>
        ImageSet.Of(ShapesWorld.Schema,
            [.. Enumerable.Range(0, count).SelectMany(n => ShapesWorld.Sample(99, n).Pixels)], null);

    private static Task<LearnedFeatures> Open(ImageData data, string? kept) =>
        LearnedFeatures.OpenAsync(data, kept, 1, CPU, null, CancellationToken.None);

    private ImageData Shapes(int count) => ImageData.Prepare(
        new DataSection { Source = ShapesWorld.Name, WorldDocuments = count,
            Split = new SplitSection { Train = 0.8, Validation = 0, Test = 0.2 } }, 1, _folder[$"data{count}"]);
}
