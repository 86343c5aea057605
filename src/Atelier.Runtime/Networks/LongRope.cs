using Atelier.Formats;

namespace Atelier.Networks;

/// <summary>
/// LongRoPE (Ding et al. 2024): factors of each rotary pair for texts within the context that the model was first
/// trained with, and others beyond it. Within that context, where models are at their best, the short ones apply: a
/// model is used up to there, since its cached keys cannot change from one to the other.
/// </summary>
internal static class LongRope
{
    private static readonly KnownKeys Keys = new(["type", "rope_type", "short_factor", "long_factor", "rope_theta",
        "original_max_position_embeddings", "factor", "attention_factor", "partial_rotary_factor"], []);

    /// <summary>Returns whether a config.json has LongRoPE's factors.</summary>
    public static bool Has(ConfigFile file) => Section(file) is not null;

    /// <summary>Returns the configuration with the short factors, or unchanged if the file has none.</summary>
    /// <exception cref="AtelierException">A factor is missing or out of range.</exception>
    public static DecoderConfig Apply(ConfigFile file, DecoderConfig config)
    {
        if (Section(file) is not { } section)
            return config;
        section.RefuseUnread(Keys);
        int original = section.IntegerOrNull("original_max_position_embeddings")
            ?? file.Integer("original_max_position_embeddings");
        double factor = section.Number("factor", (double)config.ContextLength / original);
        double amplitude = section.Number("attention_factor",
            factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(factor) / Math.Log(original)))); // Ding et al. 2024, section 3.3
        IReadOnlyList<double> factors = Factors(section, "short_factor");
        if (original < 2 || !(amplitude is > 0 and < 1e3) || factors.Any(f => !(f is > 0 and < 1e6)))
            throw new AtelierException("the numbers of rope_scaling are impossible", file.Path,
                "download or export the model again");
        return config with
        {
            ContextLength = Math.Min(config.ContextLength, original),
            RopeFactors = [.. factors.Select(f => (float)f)],
            RopeAmplitude = amplitude,
        };
    }

    /// <summary>Returns the factors of a config.json, for texts within the first context or for longer ones.</summary>
    public static IReadOnlyList<double> Factors(ConfigFile file, bool isLong) =>
        Factors(Section(file)!, isLong ? "long_factor" : "short_factor");

    private static IReadOnlyList<double> Factors(ConfigFile section, string key) => section.Numbers(key)
        ?? throw new AtelierException($"rope_scaling lacks {key}", section.Path, "download or export the model again");

    private static ConfigFile? Section(ConfigFile file)
    {
        if (file.ModelType != GgufNames.Phi3)
            return null;
        ConfigFile? section = file.Section("rope_scaling") ?? file.Section("rope_parameters");
        return section?.String("rope_type", section.String("type", "")) is "longrope" or "su" ? section : null;
    }
}
