using Atelier.Kernels;

namespace Atelier.Exchange;

/// <summary>The types in which the tensors of a GGUF file are written.</summary>
internal static class WrittenTypes
{
    /// <summary>
    /// Returns the type of a tensor. Vectors and position embeddings are F32. With weights of fewer bits, the embedding
    /// and the head, whose errors matter most, have 8, or 6 in blocks of 256. Matrices whose row length is not a
    /// multiple of the block's have a type with smaller blocks and no fewer bits, or F16.
    /// </summary>
    public static WeightType For(string name, IReadOnlyList<long> shape, WeightType type, bool predicts)
    {
        if (shape.Count < 2 || name is "position_embd.weight" or "positions.weight"
            || name.Contains(".ffn_gate_inp", StringComparison.Ordinal)) // routers, which few weights decide
            return WeightType.F32;
        if (!type.IsBlocked())
            return type;
        if (shape[^1] % WeightTypes.BlockSize != 0)
            return WeightType.F16;
        bool isLarge = type.BlockElements() == WeightTypes.LargeBlockSize;
        if (name is "token_embd.weight" or "output.weight" or "tokens.weight" or "head.weight"
            || (predicts && (IsHead(name) || name.EndsWith("word_embeddings.weight", StringComparison.Ordinal))))
            type = isLarge ? WeightType.Q6_K : WeightType.Q8_0;
        return isLarge && shape[^1] % WeightTypes.LargeBlockSize != 0 ? InSmallBlocks(type) : type;
    }

    /// <summary>Returns the type with blocks of 32 that llama.cpp uses in place of one with blocks of 256.</summary>
    private static WeightType InSmallBlocks(WeightType type) => type switch
    {
        WeightType.Q4_K => WeightType.Q5_0,
        WeightType.Q5_K => WeightType.Q5_1,
        WeightType.Q6_K => WeightType.Q8_0,
        _ => WeightType.IQ4_NL,
    };

    /// <summary>Returns whether a tensor is of an encoder's head that predicts tokens, for which it multiplies with the
    /// embedding.</summary>
    public static bool IsHead(string name) =>
        name.StartsWith("cls.predictions.", StringComparison.Ordinal)
        || name.StartsWith("lm_head.", StringComparison.Ordinal);

    /// <summary>Returns llama.cpp's number for the main type of a file (LLAMA_FTYPE).</summary>
    public static long FileType(WeightType type) => type switch
    {
        WeightType.F16 => 1,
        WeightType.Q4_0 => 2,
        WeightType.Q4_1 => 3,
        WeightType.Q8_0 => 7,
        WeightType.Q5_0 => 8,
        WeightType.Q5_1 => 9,
        WeightType.Q2_K => 10,
        WeightType.Q3_K => 12, // Q3_K_M; 15 and 17 are Q4_K_M and Q5_K_M
        WeightType.Q4_K => 15,
        WeightType.Q5_K => 17,
        WeightType.Q6_K => 18,
        WeightType.IQ4_NL => 25,
        WeightType.IQ4_XS => 30,
        WeightType.BF16 => 32,
        WeightType.Q3 or WeightType.Q2 => 1024, // not one of llama.cpp's
        _ => 0,
    };

    /// <summary>
    /// Rounds whole blocks or single elements; the search for the scales of groups uses all processors.
    /// </summary>
    /// <param name="type">The type.</param>
    /// <param name="values">The values.</param>
    /// <param name="written">Filled with their bytes.</param>
    public static unsafe void Encode(WeightType type, ReadOnlySpan<float> values, Span<byte> written)
    {
        if (!FileBlocks.Has(type))
        {
            WeightConversion.Encode(type, values, written);
            return;
        }
        (int elements, int bytes) = FileBlocks.Size(type);
        fixed (float* from = values)
        fixed (byte* to = written)
        {
            (nint first, nint target) = ((nint)from, (nint)to); // pointers cannot be captured
            Parallel.For(0, values.Length / elements, block => WeightConversion.Encode(type,
                new ReadOnlySpan<float>((float*)first + ((long)block * elements), elements),
                new Span<byte>((byte*)target + ((long)block * bytes), bytes)));
        }
    }
}
