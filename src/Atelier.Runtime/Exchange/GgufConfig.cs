using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Networks;

namespace Atelier.Exchange;

/// <summary>
/// Converts a model's configuration between the metadata of a GGUF file and Hugging Face's config.json.
/// </summary>
public static class GgufConfig
{
    // llama.cpp computes the tanh approximation of GELU. This key, which only Atelier reads, marks models with the
    // exact function.
    internal const string ExactGelu = "atelier.exact_gelu";

    // The numbers of Llama 3's scaling; GGUF itself only stores the resulting factors.
    private const string ScalingKey = "atelier.rope_scaling.";

    /// <summary>The key of the factor of Llama 3's scaling in files that Atelier writes.</summary>
    public const string ScalingFactor = ScalingKey + "factor";

    /// <summary>The keys of Llama 3's scaling in files that Atelier writes.</summary>
    internal static readonly string[] ScalingKeys =
    [
        ScalingFactor, ScalingKey + "low_freq_factor", ScalingKey + "high_freq_factor",
        ScalingKey + "original_context_length",
    ];

    /// <summary>Returns the content of a config.json for the model in a GGUF file.</summary>
    /// <exception cref="AtelierException">A value is missing, wrong or unsupported, or the architecture is not
    /// supported.</exception>
    public static JsonObject ToHuggingFace(GgufFile file)
    {
        string architecture = file.Text("general.architecture"),
            type = GgufNames.ModelTypeOf(architecture, file.Integer($"{architecture}.expert_count", 0) > 0);
        if (!GgufNames.Knows(type))
            throw new AtelierException($"models of the architecture '{architecture}' are not supported", file.Path,
                $"supported are {string.Join(", ", GgufNames.KnownArchitectures)}");
        GgufKeys.RefuseUnread(file, type);
        return type == GgufNames.Gpt2 ? ToGpt2(file) : ToLlama(file, type);
    }

    /// <summary>Adds a configuration to the metadata of a GGUF file.</summary>
    /// <param name="metadata">The metadata, with the architecture of the config.json.</param>
    /// <param name="config">The config.json of a model that llama.cpp supports.</param>
    /// <param name="vocabularySize">The number of tokens of the tokenizer, if the vocabulary of the model is padded
    /// beyond them; null if it is not.</param>
    /// <exception cref="AtelierException">A key is missing or has a value that GGUF cannot represent.</exception>
    public static void Write(GgufMetadata metadata, ConfigFile config, int? vocabularySize = null)
    {
        if (config.ModelType == GgufNames.Gpt2)
            WriteGpt2(metadata, config);
        else
            WriteLlama(metadata, config);
        metadata.Add($"{metadata.Architecture}.vocab_size", vocabularySize ?? config.VocabularySize);
    }

    private static JsonObject ToLlama(GgufFile file, string type)
    {
        string at = GgufNames.ArchitectureOf(type) + ".";
        int Size(string key, long? otherwise = null) => Positive(file, at + key, otherwise);
        int heads = Size("attention.head_count"), hidden = Size("embedding_length"),
            headSize = Size("attention.key_length", hidden / heads);
        bool canBePartial = type is GgufNames.GptNeoX or GgufNames.Phi3;
        if (Size("attention.value_length", headSize) != headSize
            || (Size("rope.dimension_count", headSize) != headSize && !canBePartial))
            throw new AtelierException(
                "partial rotary positions, or values of another size than keys, are not supported",
                file.Path);
        var config = new JsonObject
        {
            ["model_type"] = type,
            ["architectures"] = new JsonArray(LlamaVariants.ClassOf(type)),
            ["vocab_size"] = VocabularySize(file),
            ["hidden_size"] = hidden,
            ["intermediate_size"] = Size("feed_forward_length"),
            ["num_hidden_layers"] = Size("block_count"),
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = Size("attention.head_count_kv", heads),
            ["head_dim"] = headSize,
            ["max_position_embeddings"] = Size("context_length"),
            ["hidden_act"] = "silu",
            ["rope_theta"] = Single(file.Number(at + "rope.freq_base", 10_000)),
            ["rope_scaling"] = file.Find(GgufNames.ShortFactors) is null ? ToRopeScaling(file, at) : null,
            ["tie_word_embeddings"] = file.Find("output.weight") is null,
        };
        if (type is not (GgufNames.GptNeoX or GgufNames.StarCoder2))
            config["rms_norm_eps"] = Single(file.Number(at + "attention.layer_norm_rms_epsilon"));
        if (type == GgufNames.Llama)
        {
            config["attention_bias"] = file.Find("blk.0.attn_q.bias") is not null;
            config["mlp_bias"] = file.Find("blk.0.ffn_up.bias") is not null;
        }
        GgufVariants.Complete(config, file, type);
        return config;
    }

    private static JsonObject ToGpt2(GgufFile file)
    {
        int Size(string key) => Positive(file, "gpt2." + key, null);
        return new JsonObject
        {
            ["model_type"] = GgufNames.Gpt2,
            ["architectures"] = new JsonArray("GPT2LMHeadModel"),
            ["vocab_size"] = VocabularySize(file),
            ["n_positions"] = Size("context_length"),
            ["n_embd"] = Size("embedding_length"),
            ["n_layer"] = Size("block_count"),
            ["n_head"] = Size("attention.head_count"),
            ["n_inner"] = Size("feed_forward_length"),
            ["activation_function"] = file.Boolean(ExactGelu, false) ? "gelu" : "gelu_new",
            ["resid_pdrop"] = 0.0,
            ["layer_norm_epsilon"] = Single(file.Number("gpt2.attention.layer_norm_epsilon")),
            ["tie_word_embeddings"] = file.Find(GgufNames.Head) is null
                || file.AreCopies(GgufNames.Head, GgufNames.Embedding),
        };
    }

    private static JsonObject? ToRopeScaling(GgufFile file, string at)
    {
        string key = at + "rope.scaling.";
        // Read as in llama.cpp: the default type is linear, and the factor has an older name too.
        string type = file.Text(key + "type", "linear");
        double older = file.Number(at + "rope.scale_linear", 1), factor = file.Number(key + "factor", older);
        if (factor == 0)
            factor = 1;
        if (older != 1 && older != factor)
            throw new AtelierException($"'{at}rope.scale_linear' is {older}, and '{key}factor' {factor}", file.Path,
                "download the file again");
        if (file.Find(GgufNames.RopeFactors) is { } tensor)
        {
            if (type != "none" && factor != 1)
                throw new AtelierException(
                    $"'{key}factor' is {factor} together with a tensor of rotary factors, which is not "
                        + $"supported", file.Path,
                    "use a model with one of them");
            return ToLlama3(file, at, tensor);
        }
        return type switch
        {
            "none" => null,
            "linear" when factor == 1 => null,
            "linear" => new JsonObject { ["rope_type"] = "linear", ["factor"] = Single(factor) },
            "yarn" => new JsonObject
            {
                ["rope_type"] = "yarn",
                ["factor"] = Single(factor),
                ["original_max_position_embeddings"] = Positive(file, key + "original_context_length", null),
            },
            _ => throw new AtelierException($"rotary scaling of type '{type}' is not supported", file.Path,
                "supported are linear, yarn and llama3"),
        };
    }

    /// <summary>
    /// Returns the scaling that produces the file's rotary factors. Files of llama.cpp store only these factors: the
    /// largest is the factor of the scaling, and the other numbers are those of all Llama 3 models.
    /// </summary>
    private static JsonObject ToLlama3(GgufFile file, string at, GgufTensor tensor)
    {
        float[] factors = ModelWeights.ReadFactors(file, tensor);
        var scaling = new RotaryScaling
        {
            Name = RotaryScalingName.Llama3,
            Factor = Single(file.Number(ScalingFactor, factors.Max())),
            LowFrequencyFactor = Single(file.Number(ScalingKey + "low_freq_factor", 1)),
            HighFrequencyFactor = Single(file.Number(ScalingKey + "high_freq_factor", 4)),
            OriginalContextLength = Positive(file, ScalingKey + "original_context_length", 8192),
        };
        double theta = file.Number(at + "rope.freq_base", 10_000);
        double[] expected = RotaryFrequencies.Divisors(2 * factors.Length, theta, scaling);
        if (expected.Zip(factors).Any(pair => !(Math.Abs(pair.First - pair.Second) <= 1e-3 * pair.First)))
            throw new AtelierException(
                $"the tensor {tensor.Name} has rotary factors other than those of Llama 3, which are not supported",
                file.Path, "use a model without them");
        return DecoderConfigFile.WriteScaling(scaling)!;
    }

    private static void WriteLlama(GgufMetadata metadata, ConfigFile config)
    {
        string at = metadata.Architecture + ".";
        DecoderConfig shape = DecoderConfigFile.Read(config);
        metadata.Add(at + "context_length", config.Integer("max_position_embeddings"));
        metadata.Add(at + "embedding_length", shape.HiddenSize);
        metadata.Add(at + "block_count", shape.LayerCount);
        metadata.Add(at + "feed_forward_length", shape.FeedForwardSize);
        metadata.Add(at + "attention.head_count", shape.HeadCount);
        metadata.Add(at + "attention.head_count_kv", shape.KeyValueHeadCount);
        metadata.Add(at + "attention.key_length", shape.HeadSize);
        metadata.Add(at + "attention.value_length", shape.HeadSize);
        metadata.Add(at + "rope.dimension_count", shape.RotarySize ?? shape.HeadSize);
        metadata.Add(at + "rope.freq_base", shape.RopeTheta);
        GgufVariants.Write(metadata, config, shape);
        if (LongRope.Has(config))
            metadata.Add(at + "rope.scaling.original_context_length", shape.ContextLength);
        switch (shape.RopeScaling)
        {
            case null:
                break;
            case { Name: RotaryScalingName.Llama3 } scaling: // llama.cpp reads the resulting factors from a tensor
                metadata.Add(ScalingFactor, scaling.Factor);
                metadata.Add(ScalingKey + "low_freq_factor", scaling.LowFrequencyFactor);
                metadata.Add(ScalingKey + "high_freq_factor", scaling.HighFrequencyFactor);
                metadata.Add(ScalingKey + "original_context_length", scaling.OriginalContextLength);
                break;
            case { Name: RotaryScalingName.Yarn } scaling
                when scaling is not { BetaFast: 32, BetaSlow: 1, AttentionFactor: null }:
                throw new AtelierException("llama.cpp does not support a yarn scaling with custom parameters",
                    config.Path, "export to huggingface");
            case RotaryScaling scaling:
                metadata.Add(at + "rope.scaling.type", scaling.Name == RotaryScalingName.Yarn ? "yarn" : "linear");
                metadata.Add(at + "rope.scaling.factor", scaling.Factor);
                if (scaling.Name == RotaryScalingName.Yarn)
                    metadata.Add(at + "rope.scaling.original_context_length", scaling.OriginalContextLength);
                break;
        }
    }

    private static void WriteGpt2(GgufMetadata metadata, ConfigFile config)
    {
        int hidden = config.Integer("n_embd");
        metadata.Add("gpt2.context_length", config.Integer("n_positions", 1024));
        metadata.Add("gpt2.embedding_length", hidden);
        metadata.Add("gpt2.block_count", config.Integer("n_layer"));
        metadata.Add("gpt2.feed_forward_length", config.Integer("n_inner", 4 * hidden));
        metadata.Add("gpt2.attention.head_count", config.Integer("n_head"));
        metadata.Add("gpt2.attention.layer_norm_epsilon", config.Number("layer_norm_epsilon", 1e-5));
        if (config.String("activation_function", "gelu_new") == "gelu")
            metadata.Add(ExactGelu, true);
    }

    private static long VocabularySize(GgufFile file)
    {
        if (file.Find("token_embd.weight") is not { Shape: [long rows, _] })
            throw new AtelierException("there is no tensor 'token_embd.weight' of two dimensions", file.Path,
                "this file holds no model's weights");
        string key = $"{file.Text("general.architecture")}.vocab_size";
        long named = file.Integer(key, rows);
        return named == rows
            ? rows
            : throw new AtelierException($"'{key}' is {named}, but the embedding has {rows} rows", file.Path,
                "download the file again");
    }

    private static int Positive(GgufFile file, string key, long? otherwise)
    {
        long value = file.Integer(key, otherwise);
        return value is > 0 and <= int.MaxValue
            ? (int)value
            : throw new AtelierException($"'{key}' is {value}", file.Path, "download the file again");
    }

    /// <summary>
    /// Returns the shortest decimal of a number in single precision: 1E-05, not 9.999999747378752E-06.
    /// </summary>
    internal static double Single(double value) =>
        double.Parse(((float)value).ToString("R", System.Globalization.CultureInfo.InvariantCulture),
            System.Globalization.CultureInfo.InvariantCulture);
}
