using Atelier.Data.Text;
using Atelier.Kernels;
using Atelier.Models.Gpt;
using Atelier.Models.Rnn;
using Atelier.Networks;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Training;

[Collection(nameof(OneAtATime))]
public sealed class ActivationCheckpointTests
{
    [Theory]
    [InlineData("gpt", Precision.Fp32, false)]
    [InlineData("gpt", Precision.Bf16, false)]
    [InlineData("gpt", Precision.Fp32, true)]
    [InlineData("lstm", Precision.Fp32, false)]
    [InlineData("lstm", Precision.Bf16, true)]
    [InlineData("gru", Precision.Fp32, true)]
    [InlineData("gru", Precision.Bf16, false)]
    public void Gradients_are_those_of_the_plain_path_with_dropout_too(string kind, Precision precision,
        bool ownRandomNumbers)
    {
        using var scope = NewDisposeScope();
        (double loss, Tensor[] gradients) = Learn(kind, checkpointing: false, precision, ownRandomNumbers);
        (double again, Tensor[] recomputed) = Learn(kind, checkpointing: true, precision, ownRandomNumbers);
        again.ShouldBe(loss);
        recomputed.Length.ShouldBe(gradients.Length);
        gradients.ShouldAllBe(g => g.abs().sum().ToDouble() > 0); // all of the model learned
        // libtorch's fp32 LSTM was seen to differ from the plain path in the last bits.
        foreach ((Tensor plain, Tensor other) in gradients.Zip(recomputed))
            other.allclose(plain, rtol: 0, atol: kind == "gpt" ? 0 : 1e-8)
                .ShouldBeTrue($"differ by {(other - plain).abs().max().ToDouble()}");
    }

    [Fact]
    public void Other_random_numbers_would_give_other_gradients()
    {
        using var scope = NewDisposeScope();
        (_, Tensor[] one) = Learn("gpt", checkpointing: true, Precision.Fp32, ownRandomNumbers: false, seed: 1);
        (_, Tensor[] two) = Learn("gpt", checkpointing: true, Precision.Fp32, ownRandomNumbers: false, seed: 2);
        one.Zip(two).ShouldContain(pair => !pair.First.allclose(pair.Second, 0, 0));
    }

    private static (double Loss, Tensor[] Gradients) Learn(string kind, bool checkpointing, Precision precision,
        bool ownRandomNumbers, long seed = 1)
    {
        using TextModel model = kind switch
        {
            "gpt" => new GptModel(new() { LayerCount = 3, HeadCount = 2, HiddenSize = 16, ContextLength = 8, Dropout =
                0.2 }, vocabularySize: 11, precision, seed: 3),
            _ => new RnnModel(new() { Cell = Enum.Parse<CellName>(kind, ignoreCase: true), LayerCount = 2,
                EmbeddingSize = 12, HiddenSize = 16, Dropout = 0.2 }, vocabularySize: 11, precision, seed: 3),
        };
        model.ActivationCheckpointing = checkpointing;
        model.train();
        random.manual_seed(seed).Dispose();
        using var stream = new RandomStream();
        stream.Seed((ulong)seed);
        using IDisposable own = new StepContext { Random = ownRandomNumbers ? stream : null }.Use();
        using var batch = new TextBatch((arange(24, ScalarType.Int64) % 11).view(3, 8),
            ((arange(24, ScalarType.Int64) * 7) % 11).view(3, 8));
        using var passing = NewDisposeScope();
        Tensor loss = model.Objectives[0].Loss(batch);
        loss.backward();
        return (loss.ToDouble(), [.. model.parameters().Select(p => p.grad!.clone().MoveToOuterDisposeScope())]);
    }
}
