namespace Atelier.Kernels;

/// <summary>The codes of a type of <see cref="FileBlocks"/> and the whole numbers that multiply the scale of a block.
/// </summary>
/// <param name="type">The type.</param>
internal readonly struct GroupCodes(WeightType type)
{
    /// <summary>Whether codes select one of unequal steps.</summary>
    public readonly bool IsNonLinear = type is WeightType.IQ4_NL or WeightType.IQ4_XS;

    /// <summary>Whether groups have a minimum.</summary>
    public readonly bool HasMinimum = type is WeightType.Q4_1 or WeightType.Q5_1 or WeightType.Q2_K or WeightType.Q4_K
        or WeightType.Q5_K;

    /// <summary>Whether the minimum may have either sign; otherwise it is at least 0.</summary>
    public readonly bool HasFreeMinimum = type is WeightType.Q4_1 or WeightType.Q5_1;

    /// <summary>The lowest value of a code.</summary>
    public readonly int Lowest = type switch
    {
        WeightType.Q5_0 => -16,
        WeightType.Q3_K => -4,
        WeightType.Q6_K => -32,
        WeightType.IQ4_NL or WeightType.IQ4_XS => -127,
        _ => 0,
    };

    /// <summary>The highest value of a code.</summary>
    public readonly int Highest = type switch
    {
        WeightType.Q2_K or WeightType.Q3_K => 3,
        WeightType.Q4_1 or WeightType.Q4_K => 15,
        WeightType.Q5_0 => 15,
        WeightType.Q5_1 or WeightType.Q5_K or WeightType.Q6_K => 31,
        _ => 113,
    };

    /// <summary>The lowest and the highest number that multiply the scale of a block of 256; (0, 0) for 32.</summary>
    public readonly (int Lowest, int Highest) ScaleRange = type switch
    {
        WeightType.Q2_K => (0, 15),
        WeightType.Q4_K or WeightType.Q5_K => (0, 63),
        WeightType.Q3_K or WeightType.IQ4_XS => (-32, 31),
        WeightType.Q6_K => (-128, 127),
        _ => (0, 0),
    };

    /// <summary>The distance of neighbouring values, the smallest if they are unequal.</summary>
    public int Step => IsNonLinear ? 10 : 1;

    /// <summary>Returns the code whose value is nearest.</summary>
    public int Nearest(float value)
    {
        if (!IsNonLinear)
            return (int)MathF.Round(Math.Clamp(value, Lowest, Highest)) - Lowest;
        ReadOnlySpan<sbyte> steps = FileBlocks.NonLinear;
        int code = 0;
        while (code + 1 < steps.Length && value + value > steps[code] + steps[code + 1])
            code++;
        return code;
    }

    /// <summary>Returns the value of a code, which counts from 0.</summary>
    public int Value(int code) => IsNonLinear ? FileBlocks.NonLinear[code] : code + Lowest;
}
