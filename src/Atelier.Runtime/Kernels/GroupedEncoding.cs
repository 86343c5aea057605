namespace Atelier.Kernels;

/// <summary>
/// Rounds weights to the blocks of <see cref="FileBlocks"/>, so that the squares of the errors, each times the
/// importance of its column, have the smallest sum that is found.
/// </summary>
internal static class GroupedEncoding
{
    private const int Large = WeightTypes.LargeBlockSize;

    /// <summary>Rounds whole blocks.</summary>
    /// <param name="type">The type.</param>
    /// <param name="source">The weights.</param>
    /// <param name="importance">The importance of each weight, at least 0; empty if all have the same.</param>
    /// <param name="destination">Filled with the bytes of the blocks.</param>
    public static void Encode(WeightType type, ReadOnlySpan<float> source, ReadOnlySpan<float> importance,
        Span<byte> destination)
    {
        (int elements, int bytes) = FileBlocks.Size(type);
        var codes = new GroupCodes(type);
        Span<float> own = stackalloc float[Large];
        own.Fill(1);
        for (int block = 0; block < source.Length / elements; block++)
        {
            if (!importance.IsEmpty)
                Positive(importance.Slice(block * elements, elements), own);
            EncodeBlock(type, codes, source.Slice(block * elements, elements), own,
                destination.Slice(block * bytes, bytes));
        }
    }

    // Weights whose inputs are always 0 count a little: they, too, should be near.
    private static void Positive(ReadOnlySpan<float> importance, Span<float> positive)
    {
        const float least = 1e-6f;
        float most = 0;
        foreach (float value in importance)
            most = Math.Max(most, value);
        for (int i = 0; i < importance.Length; i++)
            positive[i] = most > 0 ? Math.Max(importance[i] / most, least) : 1;
    }

    private static void EncodeBlock(WeightType type, in GroupCodes codes, ReadOnlySpan<float> x,
        ReadOnlySpan<float> importance, Span<byte> block)
    {
        int size = FileBlocks.GroupSize(type), groups = x.Length / size;
        Span<float> scales = stackalloc float[FileBlocks.MostGroups],
            minimums = stackalloc float[FileBlocks.MostGroups];
        Span<int> multiples = stackalloc int[FileBlocks.MostGroups],
            minimumMultiples = stackalloc int[FileBlocks.MostGroups], chosen = stackalloc int[Large];
        for (int g = 0; g < groups; g++)
            (scales[g], minimums[g]) =
                GroupFit.Find(codes, x.Slice(g * size, size), importance.Slice(g * size, size));
        (Half d, Half dMin) = ((Half)scales[0], (Half)(-minimums[0])); // of blocks of one group
        if (groups > 1)
        {
            d = Shared(scales[..groups], codes.ScaleRange);
            dMin = Shared(minimums[..groups], codes.ScaleRange);
            for (int g = 0; g < groups; g++)
                (multiples[g], minimumMultiples[g]) = Multiples(codes, x.Slice(g * size, size),
                    importance.Slice(g * size, size), scales[g], minimums[g], (float)d, (float)dMin);
        }
        for (int i = 0; i < x.Length; i++)
        {
            float scale = groups == 1 ? (float)d : (float)d * multiples[i / size],
                minimum = groups == 1 ? -(float)dMin : (float)dMin * minimumMultiples[i / size];
            chosen[i] = codes.Nearest(scale == 0 ? 0 : (x[i] + minimum) / scale);
        }
        block.Clear();
        GroupedPacking.Pack(type, d, dMin, multiples, minimumMultiples, chosen, block);
    }

    /// <summary>Returns the scale of a block: the largest of its groups is the end of the range of multiples.</summary>
    private static Half Shared(ReadOnlySpan<float> scales, (int Lowest, int Highest) range)
    {
        float extreme = 0;
        foreach (float scale in scales)
            extreme = Math.Abs(scale) > Math.Abs(extreme) ? scale : extreme;
        return (Half)(extreme / (range.Lowest < 0 ? range.Lowest : range.Highest));
    }

    /// <summary>
    /// Returns the best multiples of a block's scales for a group, of the nearest and their neighbours.
    /// </summary>
    private static (int Scale, int Minimum) Multiples(in GroupCodes codes, ReadOnlySpan<float> x,
        ReadOnlySpan<float> importance, float scale, float minimum, float d, float dMin)
    {
        int near = d == 0 ? 0 : (int)MathF.Round(scale / d), nearMinimum = dMin == 0 ? 0
            : (int)MathF.Round(minimum / dMin), around = codes.HasMinimum ? 1 : 0;
        (int Scale, int Minimum) best = default;
        double least = double.PositiveInfinity;
        for (int s = near - 1; s <= near + 1; s++)
        {
            for (int m = nearMinimum - around; m <= nearMinimum + around; m++)
            {
                int multiple = Math.Clamp(s, codes.ScaleRange.Lowest, codes.ScaleRange.Highest),
                    minimumMultiple = Math.Clamp(m, 0, Math.Max(0, codes.ScaleRange.Highest));
                double error = GroupFit.Error(codes, x, importance, d * multiple, dMin * minimumMultiple);
                if (error < least)
                    (least, best) = (error, (multiple, minimumMultiple));
            }
        }
        return best;
    }
}
