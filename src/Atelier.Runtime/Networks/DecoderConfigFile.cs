using System.Text.Json.Nodes;
using Atelier.Formats;

namespace Atelier.Networks;

/// <summary>
/// Reads the configuration of a decoder from a config.json: Hugging Face's GPT2Config, LlamaConfig and those of the
/// models that vary Llama's shape, and Atelier's own format for combinations of their parts.
/// </summary>
public static class DecoderConfigFile
{
    /// <summary>
    /// The model_type of configurations that are neither GPT-2's nor Llama's. Their keys are those of the configuration
    /// record of Atelier's GPT models.
    /// </summary>
    public const string Own = "atelier_gpt";

    private static readonly string[] ScalingTypes = ["default", "linear", "dynamic", "llama3", "yarn"];

    /// <summary>The supported values of model_type.</summary>
    public static IReadOnlyList<string> ModelTypes { get; } =
        [GgufNames.Gpt2, GgufNames.Llama, .. LlamaVariants.ModelTypes, Own];

    /// <summary>Reads the configuration.</summary>
    /// <exception cref="AtelierException">A key is missing, out of range, or has an unsupported value.</exception>
    public static DecoderConfig Read(ConfigFile file)
    {
        DecoderConfig config = file.ModelType switch
        {
            GgufNames.Gpt2 => ReadGpt2(file),
            GgufNames.Llama => ReadLlama(file),
            Own => ReadOwn(file),
            string type when LlamaVariants.ModelTypes.Contains(type) => LlamaVariants.Read(file),
            string other => throw new AtelierException($"models of type '{other}' are not supported",
                file.Path, $"supported are {string.Join(", ", ModelTypes)}"),
        };
        config.Check(file.Path);
        return config;
    }

    /// <summary>Returns whether the head shares the weights of the embedding.</summary>
    public static bool TiesHead(ConfigFile file) => file.ModelType == Own
        ? file.Boolean("tie_head", false)
        : file.Boolean("tie_word_embeddings",
            file.ModelType == GgufNames.Gpt2 || LlamaVariants.TiesHead(file.ModelType));

    /// <summary>
    /// Reads the scaling of rotary angles from rope_scaling, or rope_parameters in newer files. Returns null if the
    /// angles are not scaled within the model's context.
    /// </summary>
    /// <exception cref="AtelierException">The type of scaling is unknown, or its numbers are impossible.</exception>
    public static RotaryScaling? ReadScaling(ConfigFile file)
    {
        ConfigFile? older = file.Section("rope_scaling"), newer = file.Section("rope_parameters");
        if (older is not null && newer is not null)
            throw new AtelierException("rope_scaling and rope_parameters both say how rotary angles are scaled",
                file.Path, "keep one of them");
        if ((older ?? newer) is not ConfigFile scaling || LongRope.Has(file))
            return null;
        string type = scaling.String("rope_type", scaling.String("type", "default"));
        if (scaling.String("type", type) != type)
            throw new AtelierException($"rope_scaling has the kinds '{type}' and '{scaling.String("type", type)}'",
                file.Path, "download or export the model again");
        if (!ScalingTypes.Contains(type))
            throw new AtelierException($"rope_scaling '{type}' is not supported", file.Path,
                $"supported are {string.Join(", ", ScalingTypes)}");
        scaling.RefuseUnread(DecoderConfigKeys.Scaling(type));
        // Dynamic scaling applies to texts longer than max_position_embeddings, which Atelier does not generate.
        if (type is "default" or "dynamic")
            return null;
        RotaryScalingName name = type switch
        {
            "linear" => RotaryScalingName.Linear,
            "llama3" => RotaryScalingName.Llama3,
            _ => RotaryScalingName.Yarn,
        };
        var read = new RotaryScaling
        {
            Name = name,
            Factor = scaling.Number("factor"),
            OriginalContextLength = name == RotaryScalingName.Linear ? 0
                : scaling.Integer("original_max_position_embeddings", file.Integer("max_position_embeddings")),
            LowFrequencyFactor = scaling.Number("low_freq_factor", 1),
            HighFrequencyFactor = scaling.Number("high_freq_factor", 4),
            BetaFast = scaling.Number("beta_fast", 32),
            BetaSlow = scaling.Number("beta_slow", 1),
            AttentionFactor = scaling.Number("attention_factor", 0) is double factor && factor != 0 ? factor : null,
        };
        bool isPossible =
            read.LowFrequencyFactor > 0 && read.HighFrequencyFactor > read.LowFrequencyFactor
            && read.HighFrequencyFactor < 1e9
            && read.BetaSlow > 0 && read.BetaFast > read.BetaSlow && read.BetaFast < 1e9
            && read.AttentionFactor is null or (> 0 and < 1e3);
        return isPossible
            ? read
            : throw new AtelierException("the numbers of rope_scaling are impossible", file.Path,
                "download or export the model again");
    }

    /// <summary>Reads the base of the rotary angles, rope_theta, which newer files have in rope_parameters.</summary>
    /// <param name="file">The config.json.</param>
    /// <param name="otherwise">The value if the file has none.</param>
    /// <exception cref="AtelierException">The file has two different values.</exception>
    public static double ReadTheta(ConfigFile file, double otherwise = 10_000)
    {
        double older = file.Number("rope_theta", double.NaN);
        ConfigFile? section = file.Section("rope_parameters") ?? file.Section("rope_scaling");
        double newer = section?.Number("rope_theta", double.NaN) ?? double.NaN;
        if (older != newer && !double.IsNaN(older) && !double.IsNaN(newer))
            throw new AtelierException($"rope_theta is {older}, and {newer} among the rotary parameters", file.Path,
                "keep one of them");
        return !double.IsNaN(newer) ? newer : double.IsNaN(older) ? otherwise : older;
    }

    /// <summary>Returns a scaling as the JSON object of rope_scaling; null if there is none.</summary>
    public static JsonObject? WriteScaling(RotaryScaling? scaling) => scaling?.Name switch
    {
        null => null,
        RotaryScalingName.Linear => new() { ["rope_type"] = "linear", ["factor"] = scaling.Factor },
        RotaryScalingName.Llama3 => new()
        {
            ["rope_type"] = "llama3",
            ["factor"] = scaling.Factor,
            ["low_freq_factor"] = scaling.LowFrequencyFactor,
            ["high_freq_factor"] = scaling.HighFrequencyFactor,
            ["original_max_position_embeddings"] = scaling.OriginalContextLength,
        },
        _ => new()
        {
            ["rope_type"] = "yarn",
            ["factor"] = scaling.Factor,
            ["original_max_position_embeddings"] = scaling.OriginalContextLength,
            ["beta_fast"] = scaling.BetaFast,
            ["beta_slow"] = scaling.BetaSlow,
            ["attention_factor"] = scaling.AttentionFactor,
        },
    };

    private static DecoderConfig ReadGpt2(ConfigFile file)
    {
        file.RefuseUnread(DecoderConfigKeys.Gpt2);
        RequireClass(file, "GPT2LMHeadModel", "GPT2Model");
        int hidden = file.Integer("n_embd"), heads = file.Integer("n_head");
        return new DecoderConfig
        {
            VocabularySize = file.VocabularySize,
            ContextLength = file.Integer("n_positions", file.Integer("n_ctx", 1024)),
            HiddenSize = hidden,
            LayerCount = file.Integer("n_layer"),
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = Divided(file, hidden, heads),
            FeedForwardSize = file.Integer("n_inner", (int)Math.Clamp(4L * hidden, 0, int.MaxValue)),
            Positions = PositionName.Learned,
            Norm = NormName.Layer,
            NormEpsilon = file.Number("layer_norm_epsilon", 1e-5),
            Activation = file.String("activation_function", "gelu_new") == "gelu" ? ActivationName.Gelu
                : ActivationName.GeluTanh,
            AttentionBias = file.Boolean("bias", true),
            FeedForwardBias = file.Boolean("bias", true),
        };
    }

    private static DecoderConfig ReadLlama(ConfigFile file)
    {
        file.RefuseUnread(DecoderConfigKeys.Llama);
        RequireClass(file, "LlamaForCausalLM", "LlamaModel", "LLaMAForCausalLM");
        RequireFullAttention(file);
        return LlamaShape(file, file.Integer("max_position_embeddings", 2048), 1e-6) with
        {
            AttentionBias = file.Boolean("attention_bias", false),
            FeedForwardBias = file.Boolean("mlp_bias", false),
        };
    }

    /// <summary>Reads what Llama and the models that vary its shape have in common.</summary>
    /// <param name="file">The config.json.</param>
    /// <param name="context">The greatest number of tokens.</param>
    /// <param name="epsilon">The epsilon of norms where the file does not say.</param>
    /// <param name="theta">The base of the rotary angles where the file does not say.</param>
    internal static DecoderConfig LlamaShape(ConfigFile file, int context, double epsilon, double theta = 10_000)
    {
        int hidden = file.Integer("hidden_size"), heads = file.Integer("num_attention_heads");
        return new DecoderConfig
        {
            VocabularySize = file.VocabularySize,
            ContextLength = context,
            HiddenSize = hidden,
            LayerCount = file.Integer("num_hidden_layers"),
            HeadCount = heads,
            KeyValueHeadCount = file.Integer("num_key_value_heads", heads),
            HeadSize = file.Integer("head_dim", 0) is > 0 and int size ? size : Divided(file, hidden, heads),
            FeedForwardSize = file.Integer("intermediate_size"),
            Positions = PositionName.Rotary,
            Norm = NormName.Rms,
            NormEpsilon = file.Number("rms_norm_eps", epsilon),
            Activation = ActivationName.SwiGlu,
            RopeTheta = ReadTheta(file, theta),
            RopeScaling = ReadScaling(file),
        };
    }

    private static DecoderConfig ReadOwn(ConfigFile file)
    {
        file.RefuseUnread(DecoderConfigKeys.Own);
        bool bias = file.Boolean("bias", file.String("layout", "gpt2") != "llama");
        int hidden = file.Integer("hidden_size"), heads = file.Integer("head_count");
        return new DecoderConfig
        {
            VocabularySize = file.VocabularySize,
            ContextLength = file.Integer("context_length"),
            HiddenSize = hidden,
            LayerCount = file.Integer("layer_count"),
            HeadCount = heads,
            KeyValueHeadCount = file.Integer("key_value_head_count", heads),
            HeadSize = file.Integer("head_size", 0) is > 0 and int size ? size : Divided(file, hidden, heads),
            FeedForwardSize = file.Integer("feed_forward_size"),
            Positions = One(file, "positions", ("learned", PositionName.Learned), ("rotary", PositionName.Rotary)),
            Norm = One(file, "norm", ("layer", NormName.Layer), ("rms", NormName.Rms)),
            NormEpsilon = file.Number("norm_epsilon", 1e-5),
            Activation = One(file, "activation", ("gelu", ActivationName.Gelu), ("gelu_tanh", ActivationName.GeluTanh),
                ("swi_glu", ActivationName.SwiGlu)),
            RopeTheta = file.Number("rope_theta", 10_000),
            AttentionBias = bias,
            FeedForwardBias = bias,
        };
    }

    /// <summary>
    /// Refuses other architectures, since classes of the transformers library with the same sizes may compute something
    /// else.
    /// </summary>
    internal static void RequireClass(ConfigFile file, params string[] known)
    {
        foreach (string name in file.Strings("architectures") ?? [])
        {
            if (!known.Contains(name))
                throw new AtelierException($"architectures names {name}, which is not supported", file.Path,
                    $"of {file.ModelType} supported are {string.Join(", ", known)}");
        }
    }

    /// <summary>Refuses sliding-window attention, unless the window is as long as the context or disabled.</summary>
    private static void RequireFullAttention(ConfigFile file)
    {
        int context = file.Integer("max_position_embeddings", 2048), window = file.Integer("sliding_window", context);
        if (window < context && file.Boolean("use_sliding_window", true))
            throw new AtelierException($"sliding_window is {window} of a context of {context}, which is not supported",
                file.Path, "use a model that attends to its whole context");
        if (file.Strings("layer_types")?.FirstOrDefault(type => type != "full_attention") is { } other)
            throw new AtelierException($"layer_types has '{other}', which is not supported", file.Path,
                "supported is full_attention");
    }

    /// <summary>Returns what the name in a key stands for.</summary>
    internal static T Choice<T>(ConfigFile file, string key, string otherwise, (string Name, T Value)[] choices)
    {
        string name = file.String(key, otherwise);
        foreach ((string known, T value) in choices)
        {
            if (known == name)
                return value;
        }
        throw new AtelierException($"{key} is '{name}'", file.Path,
            $"allowed: {string.Join(", ", choices.Select(c => c.Name))}");
    }

    private static T One<T>(ConfigFile file, string key, params (string Name, T Value)[] choices) =>
        Choice(file, key, "", choices);

    internal static int Divided(ConfigFile file, int hidden, int heads) =>
        heads > 0 && hidden > 0 && hidden % heads == 0
            ? hidden / heads
            : throw new AtelierException($"{heads} heads do not divide a width of {hidden}", file.Path,
                "download or export the model again");
}
