using Atelier.Data.Images;
using Atelier.Evaluation.Images;
using Atelier.TestSupport;
using static TorchSharp.torch;

namespace Atelier.Tests.Evaluation.Images;

/// <summary>The published LeNet on MNIST's own pictures, held against what others measured with it.</summary>
public sealed class LeNetTests
{
    private static readonly ImageSchema Digits =
        new(28, 28, 1, [.. Enumerable.Range(0, 10).Select(digit => $"{digit}")]);

    [Fact]
    public void It_knows_test_digits_and_tells_training_pictures_from_noise_as_published()
    {
        using var scope = NewDisposeScope();
        ImageSet test = Read("t10k"), training = Read("train");
        using LeNet network = LeNet.Load(DataFolder.File("weights", "lenet-mnist", "lenet.pth"), Digits, CPU);
        ImageFeatures seen = network.Extract(test, "test", null, CancellationToken.None);
        (seen.Values.shape[0], seen.Values.shape[1]).ShouldBe((10_000, 84));
        seen.AreOf(test.Labels!).Count(right => right).ShouldBe(9879); // 98.79 %
        Tensor labels = tensor(test.Labels!.Select(label => (long)label).ToArray()).unsqueeze(1);
        seen.LogProbabilities!.gather(1, labels).mean().neg().item<double>().ShouldBe(0.0407, 0.00005);
        FrechetDistance.Of(network.Extract(training, "training", null, CancellationToken.None).Values, seen.Values)
            .ShouldBe(0.099, 0.0005);
        FrechetDistance.Of(network.Extract(ImageSet.Noise(Digits, 10_000, 1), "noise", null,
            CancellationToken.None).Values, seen.Values).ShouldBe(99.9, 0.3);
    }

    [Fact]
    public void Colour_pictures_and_files_of_other_networks_are_refused()
    {
        string path = DataFolder.File("weights", "lenet-mnist", "lenet.pth");
        Should.Throw<AtelierException>(() =>
            LeNet.Load(path, Digits with { Channels = 3 }, CPU)).Message.ShouldContain("colour");
        Should.Throw<AtelierException>(() => LeNet.Load("nowhere.pth", Digits, CPU)).Where.ShouldBe("nowhere.pth");
    }

    /// <summary>The first 10,000 of MNIST's files, in their order.</summary>
    private static ImageSet Read(string name)
    {
        byte[] pixels = IdxFile.Read(DataFolder.File("mnist", $"{name}-images-idx3-ubyte.gz")).Values;
        byte[] labels = IdxFile.Read(DataFolder.File("mnist", $"{name}-labels-idx1-ubyte.gz")).Values;
        return ImageSet.Of(Digits, pixels[..(10_000 * Digits.Size)],
            [.. labels.Take(10_000).Select(label => (int)label)]);
    }
}
