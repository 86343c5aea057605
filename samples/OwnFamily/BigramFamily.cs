using System.ComponentModel.DataAnnotations;
using Atelier.Formats;
using Atelier.Layers;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace OwnFamily;

/// <summary>The shape of a bigram model: the keys of the recipe's model section.</summary>
public sealed record BigramConfig
{
    /// <summary>The width of a token's vector.</summary>
    [Range(1, 1024)]
    public int HiddenSize { get; init; } = 64;
}

/// <summary>A neural bigram model: the next token depends on the last one (Bengio et al. 2003 with n = 2).</summary>
public sealed class BigramModel : TextModel
{
    private readonly Embedding _tokens;
    private readonly Linear _head;

    public BigramModel(BigramConfig config, int vocabularySize, long seed)
        : base("bigram", vocabularySize, contextLength: int.MaxValue, labelSmoothing: 0)
    {
        Config = config;
        using var random = new Generator((ulong)seed, CPU);
        _tokens = new Embedding(vocabularySize, config.HiddenSize, deviation: 1, random);
        _head = new Linear(config.HiddenSize, vocabularySize, bias: true, Precision.Fp32, deviation: 0.1, random);
        register_module("embedding", _tokens);
        register_module("head", _head);
    }

    public BigramConfig Config { get; }

    public override Device Device => _tokens.Weight.device;

    public override Tensor Encode(Tensor ids, TextMemory? memory) => _tokens.forward(ids); // [batch, time, hidden]

    protected override VocabularyHead VocabularyHead => new(_head.Weight, _head.Bias, Precision.Fp32);

    public override TextMemory CreateMemory(int sequences) => new Nothing();

    private sealed class Nothing : TextMemory
    {
        public override void Select(Tensor parents) { }

        public override void Dispose() { }
    }
}

/// <summary>Makes bigram models, and writes and loads their bundles.</summary>
public sealed class BigramFamily : TextFamily<BigramConfig, BigramModel>
{
    public override string Name => "bigram";

    public override string Description => "a neural bigram model: the next token depends on the last one";

    public override IReadOnlyList<string> ModelTypes => ["sample_bigram"];

    protected override BigramModel Create(BigramConfig config, int vocabularySize, Recipe recipe) =>
        new(config, vocabularySize, recipe.Seed);

    protected override int TrainingContext(BigramConfig config) => 64;

    protected override string ConfigText(BigramModel model) =>
        ConfigRecords.Write(ModelTypes[0], model.VocabularySize, model.Config);

    protected override BigramModel Read(ConfigFile config, IReadOnlyDictionary<string, Tensor> tensors, string where) =>
        BundleTensors.Fill(new BigramModel(config.Read<BigramConfig>(), config.VocabularySize, 0), tensors, where);
}
