using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Models.Gpt;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tokenizers;

namespace Atelier.Tests.Models;

/// <summary>A bundle gives the logits without libtorch that the network which wrote it gives.</summary>
public sealed class ManagedRuntimeTests
{
    public static TheoryData<string, GptConfig> Shapes => new()
    {
        { "GPT-2", new() { LayerCount = 2, HeadCount = 2, HiddenSize = 16, ContextLength = 24 } },
        { "Llama with shared key-value heads",
            new() { Layout = GptLayout.Llama, LayerCount = 2, HeadCount = 4, KeyValueHeadCount = 2, HiddenSize = 32,
            ContextLength = 24, RopeTheta = 500 } },
        { "Llama with a tied head",
            new() { Layout = GptLayout.Llama, LayerCount = 1, HeadCount = 2, HiddenSize = 16, ContextLength = 24,
            TieHead = true } },
        { "rotary positions in GPT-2's blocks",
            new() { LayerCount = 2, HeadCount = 2, HiddenSize = 16, ContextLength = 24, Positions = PositionName.Rotary,
            Bias = false } },
        { "learned positions in Llama's blocks",
            new() { Layout = GptLayout.Llama, LayerCount = 2, HeadCount = 2, HiddenSize = 16, ContextLength = 24,
            Positions = PositionName.Learned, Activation = ActivationName.Gelu, Bias = true } },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Logits_are_the_training_library_s(string shape, GptConfig config)
    {
        using var folder = new TemporaryFolder();
        var bytes = new ByteTokenizer();
        using var model = new GptModel(config, bytes.VocabularySize, Precision.Fp32, seed: 3);
        new GptFamily().Write(folder["bundle"], model, bytes, new DecodingOptions(), 256, shape);
        int[] tokens = TextModels.RandomTokens(20, bytes.VocabularySize, 5);
        float[] logits = new float[tokens.Length * bytes.VocabularySize];

        using TextGenerator opened = TextModelFile.Open(folder["bundle"]);
        var batched = opened.Model.ShouldBeAssignableTo<IBatchedLanguageModel>()!;
        using IDecodingSequence sequence = batched.CreateSequence();
        batched.Append([new SequenceInput(sequence, tokens, AllLogits: true)], logits);
        logits.ShouldBeNear(TextModels.Logits(model, tokens), 1e-4);
    }
}
