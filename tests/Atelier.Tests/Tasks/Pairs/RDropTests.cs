using Atelier.Data.Pairs;
using Atelier.Kernels;
using Atelier.Models.Transformer;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Tasks.Pairs;

public sealed class RDropTests
{
    private const int Vocabulary = 11;

    private static readonly TransformerConfig Tiny = new()
    {
        EncoderLayerCount = 1, DecoderLayerCount = 1, HeadCount = 2, HiddenSize = 8, FeedForwardSize = 12,
        ContextLength = 12, Dropout = 0.5,
    };

    [Fact]
    public void It_adds_the_divergence_of_two_predictions_from_its_first_step_on()
    {
        double before = Loss(rDrop: 3, step: 5), without = Loss(rDrop: 0, step: 6), after = Loss(rDrop: 3, step: 6);
        before.ShouldBe(without, "the same batch and the same dropout");
        // the same two predictions with twice the weight, and with a weight of nearly none
        double twice = Loss(rDrop: 6, step: 6), entropy = Loss(rDrop: 1e-9, step: 6);
        (after - entropy).ShouldBeGreaterThan(0.05);
        (twice - entropy).ShouldBe(2 * (after - entropy), 1e-4);
        Loss(rDrop: 3, step: 6, isTraining: false).ShouldBe(Loss(rDrop: 0, step: 6, isTraining: false));
    }

    private static double Loss(double rDrop, long step, bool isTraining = true)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream();
        random.Seed(7);
        using var model = new TransformerModel(Tiny, null, Vocabulary, Precision.Fp32, seed: 1)
        {
            RDrop = rDrop, RDropStart = 5,
        };
        model.train(isTraining);
        using IDisposable context = new StepContext { Random = random, Step = step }.Use();
        var batch = new PairBatch(tensor(new long[] { 1, 2, 3, 4, 5, 0 }, 2, 3),
            tensor(new[] { false, false, false, false, false, true }, 2, 3),
            tensor(new long[] { 1, 6, 7, 1, 8, 9 }, 2, 3), tensor(new long[] { 6, 7, 2, 8, 9, 2 }, 2, 3));
        return model.Loss(batch).item<float>();
    }
}
