using Atelier.Kernels;

namespace Atelier.Formats;

/// <summary>The names of weight types for users.</summary>
public static class WeightNames
{
    private static readonly (string Name, WeightType Type)[] Names =
    [
        ("f32", WeightType.F32), ("f16", WeightType.F16), ("bf16", WeightType.BF16), ("q8", WeightType.Q8_0),
        ("q4", WeightType.Q4_0), ("q3", WeightType.Q3), ("q2", WeightType.Q2),
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
            hint: $"allowed: {string.Join(", ", Names.Where(n => n.Type == n.Type.InMemory()).Select(n => n.Name))}");
    }
}
