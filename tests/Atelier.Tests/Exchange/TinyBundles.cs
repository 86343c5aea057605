using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Models.Gpt;
using Atelier.Models.Rnn;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tokenizers;
using static TorchSharp.torch;

namespace Atelier.Tests.Exchange;

/// <summary>
/// Small bundles of every shape and tokenizer that goes out to other systems, with weights far from zero.
/// </summary>
internal static class TinyBundles
{
    public const string Text =
        "It's 1999: the naïve café sold 12 jars of 蜂蜜 😀 to Ann's  friends.\n\tThey'll be back, they said; and back "
            + "they came.\n\n";

    /// <summary>Opens a bundle with its parameters as tensors.</summary>
    public static TextGenerator OpenForTraining(string folder) =>
        new Workshop().Open(folder, new() { Device = "cpu", ForTraining = true }).Require<TextGenerator>();

    public static readonly GptConfig Llama = new()
    {
        Layout = GptLayout.Llama, LayerCount = 2, HeadCount = 4, KeyValueHeadCount = 2, HiddenSize = 64,
            FeedForwardSize = 96, ContextLength = 160, NormEpsilon = 1e-5,
    };

    public static readonly GptConfig Gpt2 = new()
    {
        LayerCount = 2, HeadCount = 4, HiddenSize = 64, FeedForwardSize = 128, ContextLength = 160,
            Activation = ActivationName.GeluTanh,
    };

    public static GptConfig Shape(string name) => name switch
    {
        "llama" => Llama,
        "llama, biases and a tied head" => Llama with { Bias = true, TieHead = true, RopeTheta = 500_000 },
        "llama, wide heads" => Llama with { HeadSize = 32 },
        "llama, linear" or "llama, llama3" or "llama, yarn" => Llama,
        "gpt2" => Gpt2,
        "gpt2, no biases and a head of its own" => Gpt2 with { Bias = false, TieHead = false },
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };

    /// <summary>How a shape's rotary angles are stretched: well within the text that tests read.</summary>
    public static RotaryScaling? Scaling(string name) => name switch
    {
        "llama, linear" => new() { Name = RotaryScalingName.Linear, Factor = 4 },
        "llama, llama3" => new() { Name = RotaryScalingName.Llama3, Factor = 8, OriginalContextLength = 40 },
        "llama, yarn" => new() { Name = RotaryScalingName.Yarn, Factor = 4, OriginalContextLength = 40 },
        _ => null,
    };

    public static Tokenizer Tokenizer(string kind) => kind switch
    {
        "character" => CharacterTokenizer.Train([Text], byteFallback: true),
        "character without bytes" => CharacterTokenizer.Train([Text], byteFallback: false),
        "byte" => new ByteTokenizer(),
        "bpe" => BpeTokenizer.Train([Text, Text, Text], 320),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>Writes a bundle with drawn weights.</summary>
    public static void Write(string folder, GptConfig config, Tokenizer tokenizer, int seed = 1,
        RotaryScaling? scaling = null)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var model = new GptModel(config, tokenizer.VocabularySize, Precision.Fp32, seed, scaling: scaling);
        using var random = new Generator((ulong)seed, CPU);
        foreach (var parameter in model.parameters())
            parameter.add_(randn([.. parameter.shape], generator: random), alpha: 0.15);
        new GptFamily().Write(folder, model, tokenizer, new DecodingOptions(), tokenizer.EndOfTextId ?? 0, "# Tiny");
    }

    /// <summary>Writes a bundle of a recurrent model with drawn weights.</summary>
    public static void WriteRecurrent(string folder, Tokenizer tokenizer)
    {
        using var model = new RnnModel(new RnnConfig { EmbeddingSize = 8, HiddenSize = 8 }, tokenizer.VocabularySize,
            Precision.Fp32, seed: 1);
        new RnnFamily().Write(folder, model, tokenizer, new DecodingOptions(), tokenizer.EndOfTextId ?? 0, "# Tiny");
    }

    /// <summary>The logits after each token [tokens][vocabulary], one token at a time.</summary>
    public static float[][] Logits(ILanguageModel model, int[] ids)
    {
        using IDecodingState state = model.CreateState(1);
        float[][] logits = [.. ids.Select(_ => new float[model.VocabularySize])];
        for (int i = 0; i < ids.Length; i++)
            state.Append([ids[i]], logits[i]);
        return logits;
    }
}
