using Atelier.Kernels;

namespace Atelier.Formats;

/// <summary>The names of weight types for users.</summary>
public static class WeightNames
{
    private static readonly (string Name, WeightType Type)[] Names =
    [
        ("f32", WeightType.F32), ("f16", WeightType.F16), ("bf16", WeightType.BF16), ("q8", WeightType.Q8_0),
        ("q4", WeightType.Q4_0), ("q3", WeightType.Q3), ("q2", WeightType.Q2), ("q4_1", WeightType.Q4_1),
        ("q5_0", WeightType.Q5_0), ("q5_1", WeightType.Q5_1), ("q2_k", WeightType.Q2_K), ("q3_k", WeightType.Q3_K),
        ("q4_k", WeightType.Q4_K), ("q5_k", WeightType.Q5_K), ("q6_k", WeightType.Q6_K),
        ("iq4_nl", WeightType.IQ4_NL), ("iq4_xs", WeightType.IQ4_XS),
    ];

    /// <summary>Returns the weight type with a given name.</summary>
    /// <exception cref="AtelierException">The name is unknown.</exception>
    public static WeightType Parse(string name)
    {
        foreach ((string known, WeightType type) in Names)
        {
            if (known == name)
                return type;
        }
        throw new AtelierException($"'{name}' is not a weight type",
            hint: $"allowed: {string.Join(", ", Names.Where(n => !IsOwn(n.Type)).Select(n => n.Name))}");
    }

    /// <summary>Returns whether only Atelier reads a type.</summary>
    private static bool IsOwn(WeightType type) => type is WeightType.Q3 or WeightType.Q2;
}
