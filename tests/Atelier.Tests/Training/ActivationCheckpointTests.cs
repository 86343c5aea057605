using Atelier.Data.Text;
using Atelier.Models.Gpt;
using Atelier.Recipes;
using Atelier.Training.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Training;

[Collection(nameof(OneAtATime))]
public sealed class ActivationCheckpointTests
{
    [Theory]
    [InlineData(Precision.Fp32, false)]
    [InlineData(Precision.Bf16, false)]
    [InlineData(Precision.Fp32, true)]
    public void Gradients_are_those_of_the_plain_path_with_dropout_too(Precision precision, bool ownRandomNumbers)
    {
        using var scope = NewDisposeScope();
        (double loss, Tensor[] gradients) = Learn(checkpointing: false, precision, ownRandomNumbers);
        (double again, Tensor[] recomputed) = Learn(checkpointing: true, precision, ownRandomNumbers);
        again.ShouldBe(loss);
        recomputed.Length.ShouldBe(gradients.Length);
        gradients.ShouldAllBe(g => g.abs().sum().ToDouble() > 0); // all of the model learned
        foreach ((Tensor plain, Tensor other) in gradients.Zip(recomputed))
            other.allclose(plain, 0, 0).ShouldBeTrue($"differ by {(other - plain).abs().max().ToDouble()}");
    }

    [Fact]
    public void Other_random_numbers_would_give_other_gradients()
    {
        using var scope = NewDisposeScope();
        (_, Tensor[] one) = Learn(checkpointing: true, Precision.Fp32, ownRandomNumbers: false, seed: 1);
        (_, Tensor[] two) = Learn(checkpointing: true, Precision.Fp32, ownRandomNumbers: false, seed: 2);
        one.Zip(two).ShouldContain(pair => !pair.First.allclose(pair.Second, 0, 0));
    }

    private static (double Loss, Tensor[] Gradients) Learn(bool checkpointing, Precision precision, bool ownRandomNumbers, long seed = 1)
    {
        var config = new GptConfig { LayerCount = 3, HeadCount = 2, HiddenSize = 16, ContextLength = 8, Dropout = 0.2 };
        using var model = new GptModel(config, vocabularySize: 11, precision, seed: 3) { ActivationCheckpointing = checkpointing };
        model.train();
        random.manual_seed(seed).Dispose();
        using var stream = new RandomStream();
        stream.Seed((ulong)seed);
        using IDisposable? own = ownRandomNumbers ? stream.Use() : null;
        using var batch = new TextBatch((arange(24, ScalarType.Int64) % 11).view(3, 8), ((arange(24, ScalarType.Int64) * 7) % 11).view(3, 8));
        using var passing = NewDisposeScope();
        Tensor loss = model.Turns[0].Loss(batch);
        loss.backward();
        return (loss.ToDouble(), [.. model.parameters().Select(p => p.grad!.clone().MoveToOuterDisposeScope())]);
    }
}
