using System.Runtime.CompilerServices;

namespace Atelier.Kernels;

/// <summary>The kernels for one register width.</summary>
internal sealed unsafe class VectorPath<TLanes, TVector, TBlocks>(string name) : KernelPath
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TBlocks : struct, IBlockProducts
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization;
    // Vectors that several rows are multiplied with should stay in the L2 cache.
    private const int VectorBytesAtOnce = 1 << 18;

    public override string Name => name;

    public override void Multiply(
        in ProductRows w, float* x, in ByteVectors bytes, int vectors, float* y, long yStride, bool asAlone)
    {
        if (w.Rows == 0)
            return;
        WeightType vectorType = w.Type.IsBlocked() ? WeightType.Q8_0 : WeightType.F32;
        int atOnce = Math.Max(16, VectorBytesAtOnce / (int)vectorType.RowBytes(w.Columns)) & ~3;
        for (int t = 0; t < vectors; t += atOnce)
        {
            int count = Math.Min(atOnce, vectors - t);
            float* part = x + (long)t * w.Columns, result = y + t * yStride;
            switch (w.Type)
            {
                case WeightType.F32:
                    FloatProducts<TLanes, TVector>.Multiply<SingleElement>(w, part, count, result, yStride, asAlone);
                    break;
                case WeightType.BF16:
                    FloatProducts<TLanes, TVector>.Multiply<BFloat16Element>(w, part, count, result, yStride, asAlone);
                    break;
                case WeightType.F16:
                    FloatProducts<TLanes, TVector>.Multiply<HalfElement>(w, part, count, result, yStride, asAlone);
                    break;
                case WeightType.Q8_0: // integer sums, block after block: independent of the other vectors
                    TBlocks.MultiplyQ8(w, bytes.At(t, w.Columns), count, result, yStride);
                    break;
                case WeightType.Q4_0:
                    TBlocks.MultiplyQ4(w, bytes.At(t, w.Columns), count, result, yStride);
                    break;
                default:
                    TBlocks.MultiplyGroups(w, bytes.At(t, w.Columns), count, result, yStride, asAlone);
                    break;
            }
        }
    }

    public override int PanelRows => PackedProducts<TLanes, TVector>.PanelRows;

    public override void MultiplyPacked(in PackedRows w, int start, int end, float* bias, float* x, int vectors,
        float* y, long yStride)
    {
        switch (w.Type)
        {
            case WeightType.F32:
                PackedProducts<TLanes, TVector>.Multiply<SingleElement>(w, start, end, bias, x, vectors, y, yStride);
                break;
            case WeightType.BF16:
                PackedProducts<TLanes, TVector>.Multiply<BFloat16Element>(w, start, end, bias, x, vectors, y, yStride);
                break;
            default:
                PackedProducts<TLanes, TVector>.Multiply<HalfElement>(w, start, end, bias, x, vectors, y, yStride);
                break;
        }
    }

    public override bool MultipliesGroups => TBlocks.MultipliesGroups;

    [MethodImpl(Hot)]
    public override void ToBytes(float* x, int columns, in ByteVectors to)
    {
        const int half = WeightTypes.BlockSize / 2;
        for (int b = 0; b < columns / WeightTypes.BlockSize; b++)
        {
            float* block = x + b * WeightTypes.BlockSize;
            TVector highest = TLanes.Broadcast(0);
            for (int i = 0; i < WeightTypes.BlockSize; i += TLanes.Count)
                highest = TLanes.Max(highest, TLanes.Abs(TLanes.Load(block + i)));
            float most = TLanes.MaxAcross(highest);
            to.Scales[b] = most / 127;
            TVector inverse = TLanes.Broadcast(most == 0 ? 0 : 127 / most);
            (int first, int second) = (0, 0);
            for (int i = 0; i < half; i += TLanes.Count)
            {
                sbyte* values = to.Values + b * WeightTypes.BlockSize + i;
                first += TLanes.StoreRounded(TLanes.Multiply(TLanes.Load(block + i), inverse), values);
                second += TLanes.StoreRounded(TLanes.Multiply(TLanes.Load(block + half + i), inverse), values + half);
            }
            (to.HalfSums[2 * b], to.HalfSums[2 * b + 1], to.Sums[b]) = (first, second, first + second);
        }
    }

    [MethodImpl(Hot)]
    public override void RmsNorm(float* x, float* weight, int size, float epsilon, float* y)
    {
        TVector sum = TLanes.Broadcast(0);
        int i = 0;
        for (; i + TLanes.Count <= size; i += TLanes.Count)
            sum = TLanes.MultiplyAdd(TLanes.Load(x + i), TLanes.Load(x + i), sum);
        float squares = TLanes.Sum(sum);
        for (; i < size; i++)
            squares += x[i] * x[i];
        float factor = 1 / MathF.Sqrt(squares / size + epsilon);
        TVector factors = TLanes.Broadcast(factor);
        for (i = 0; i + TLanes.Count <= size; i += TLanes.Count)
            TLanes.Store(TLanes.Multiply(TLanes.Multiply(TLanes.Load(x + i), factors), TLanes.Load(weight + i)), y + i);
        for (; i < size; i++)
            y[i] = x[i] * factor * weight[i];
    }

    [MethodImpl(Hot)]
    public override void LayerNorm(float* x, float* weight, float* bias, int size, float epsilon, float* y)
    {
        TVector sum = TLanes.Broadcast(0);
        int i = 0;
        for (; i + TLanes.Count <= size; i += TLanes.Count)
            sum = TLanes.Add(TLanes.Load(x + i), sum);
        float mean = TLanes.Sum(sum);
        for (; i < size; i++)
            mean += x[i];
        mean /= size;
        TVector minusMean = TLanes.Broadcast(-mean);
        sum = TLanes.Broadcast(0);
        for (i = 0; i + TLanes.Count <= size; i += TLanes.Count)
        {
            TVector centred = TLanes.Add(TLanes.Load(x + i), minusMean);
            sum = TLanes.MultiplyAdd(centred, centred, sum);
        }
        float squares = TLanes.Sum(sum);
        for (; i < size; i++)
            squares += (x[i] - mean) * (x[i] - mean);
        float factor = 1 / MathF.Sqrt(squares / size + epsilon);
        TVector factors = TLanes.Broadcast(factor);
        for (i = 0; i + TLanes.Count <= size; i += TLanes.Count)
        {
            TVector scaled = TLanes.Multiply(TLanes.Multiply(TLanes.Add(TLanes.Load(x + i), minusMean), factors),
                TLanes.Load(weight + i));
            TLanes.Store(bias is null ? scaled : TLanes.Add(scaled, TLanes.Load(bias + i)), y + i);
        }
        for (; i < size; i++)
            y[i] = (x[i] - mean) * factor * weight[i] + (bias is null ? 0 : bias[i]);
    }

    [MethodImpl(Hot)]
    public override void Add(float* x, int size, float* y)
    {
        int i = 0;
        for (; i + TLanes.Count <= size; i += TLanes.Count)
            TLanes.Store(TLanes.Add(TLanes.Load(x + i), TLanes.Load(y + i)), y + i);
        for (; i < size; i++)
            y[i] += x[i];
    }

    [MethodImpl(Hot)]
    public override void Scale(float factor, int size, float* y)
    {
        TVector factors = TLanes.Broadcast(factor);
        int i = 0;
        for (; i + TLanes.Count <= size; i += TLanes.Count)
            TLanes.Store(TLanes.Multiply(TLanes.Load(y + i), factors), y + i);
        for (; i < size; i++)
            y[i] *= factor;
    }

    [MethodImpl(Hot)]
    public override void MultiplyBy(float* x, int size, float* y)
    {
        int i = 0;
        for (; i + TLanes.Count <= size; i += TLanes.Count)
            TLanes.Store(TLanes.Multiply(TLanes.Load(x + i), TLanes.Load(y + i)), y + i);
        for (; i < size; i++)
            y[i] *= x[i];
    }

    [MethodImpl(Hot)]
    public override void SwiGlu(float* gate, int size, float* y)
    {
        TVector one = TLanes.Broadcast(1), minus = TLanes.Broadcast(-1);
        int i = 0;
        for (; i + TLanes.Count <= size; i += TLanes.Count)
        {
            TVector g = TLanes.Load(gate + i);
            TVector denominator = TLanes.Add(one, TLanes.Exp(TLanes.Multiply(g, minus)));
            TLanes.Store(TLanes.Divide(TLanes.Multiply(g, TLanes.Load(y + i)), denominator), y + i);
        }
        for (; i < size; i++)
            y[i] *= gate[i] / (1 + MathF.Exp(-gate[i]));
    }

    [MethodImpl(Hot)]
    public override void Gelu(int size, float* y, bool tanh)
    {
        int i = 0;
        for (; i + TLanes.Count <= size; i += TLanes.Count)
            TLanes.Store(VectorFunctions<TLanes, TVector>.Gelu(TLanes.Load(y + i), tanh), y + i);
        for (; i < size; i++)
            y[i] = VectorFunctions<PlainLanes, float>.Gelu(y[i], tanh);
    }

    [MethodImpl(Hot)]
    public override void Relu(int size, float* y)
    {
        int i = 0;
        for (; i + TLanes.Count <= size; i += TLanes.Count)
            TLanes.Store(TLanes.Max(TLanes.Load(y + i), TLanes.Broadcast(0)), y + i);
        for (; i < size; i++)
            y[i] = MathF.Max(y[i], 0);
    }

    [MethodImpl(Hot)]
    public override void Sigmoid(int size, float* y)
    {
        TVector one = TLanes.Broadcast(1), minus = TLanes.Broadcast(-1);
        int i = 0;
        for (; i + TLanes.Count <= size; i += TLanes.Count)
        {
            TVector denominator = TLanes.Add(one, TLanes.Exp(TLanes.Multiply(TLanes.Load(y + i), minus)));
            TLanes.Store(TLanes.Divide(one, denominator), y + i);
        }
        for (; i < size; i++)
            y[i] = 1 / (1 + MathF.Exp(-y[i]));
    }

    [MethodImpl(Hot)]
    public override void Tanh(int size, float* y)
    {
        int i = 0;
        for (; i + TLanes.Count <= size; i += TLanes.Count)
            TLanes.Store(VectorFunctions<TLanes, TVector>.Tanh(TLanes.Load(y + i)), y + i);
        for (; i < size; i++)
            y[i] = MathF.Tanh(y[i]);
    }

    public override void Scores(float* query, float* keys, int count, int size, float scale, float* scores) =>
        VectorAttention<TLanes, TVector>.Scores(query, keys, count, size, scale, scores);

    [MethodImpl(Hot)]
    public override void SoftMax(float* scores, int count)
    {
        float factor = 1 / ExpShifted(scores, count, Highest(scores, count), scores);
        Scale(factor, count, scores);
    }

    public override void AddWeighted(float* weights, float* values, int count, int size, float* y) =>
        VectorAttention<TLanes, TVector>.AddWeighted(weights, values, count, size, y);

    public override void ScoresAt(float* query, float** tokens, long offset, int count, int size, float scale,
        float* scores) =>
        VectorAttention<TLanes, TVector>.ScoresAt(query, tokens, offset, count, size, scale, scores);

    public override void MixAt(float* weights, float** tokens, long offset, int count, int size, float* y) =>
        VectorAttention<TLanes, TVector>.MixAt(weights, tokens, offset, count, size, y);

    [MethodImpl(Hot)]
    public override double LogSumExp(float* x, int count)
    {
        float highest = Highest(x, count);
        return highest + Math.Log(ExpShifted(x, count, highest, null));
    }

    [MethodImpl(Hot)]
    public override int NextAtLeast(float* x, int from, int count, float least)
    {
        TVector bound = TLanes.Broadcast(least);
        while (from + TLanes.Count <= count && !TLanes.AnyAtLeast(TLanes.Load(x + from), bound))
            from += TLanes.Count;
        while (from < count && !(x[from] >= least))
            from++;
        return from;
    }

    private static float Highest(float* x, int count)
    {
        float highest = x[0];
        int i = 0;
        if (count >= TLanes.Count)
        {
            TVector most = TLanes.Load(x);
            for (; i + TLanes.Count <= count; i += TLanes.Count)
                most = TLanes.Max(most, TLanes.Load(x + i));
            highest = TLanes.MaxAcross(most);
        }
        for (; i < count; i++)
            highest = MathF.Max(highest, x[i]);
        return highest;
    }

    /// <summary>Returns Σ exp(x − shift), and stores each term unless <paramref name="terms"/> is null.</summary>
    private static float ExpShifted(float* x, int count, float shift, float* terms)
    {
        TVector sum = TLanes.Broadcast(0), minusShift = TLanes.Broadcast(-shift);
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count)
        {
            TVector term = TLanes.Exp(TLanes.Add(TLanes.Load(x + i), minusShift));
            if (terms is not null)
                TLanes.Store(term, terms + i);
            sum = TLanes.Add(sum, term);
        }
        float total = TLanes.Sum(sum);
        if (i == count)
            return total;
        float* rest = stackalloc float[TLanes.Count];
        new Span<float>(x + i, count - i).CopyTo(new Span<float>(rest, TLanes.Count));
        TLanes.Store(TLanes.Exp(TLanes.Add(TLanes.Load(rest), minusShift)), rest);
        for (int lane = 0; i < count; lane++, i++)
        {
            if (terms is not null)
                terms[i] = rest[lane];
            total += rest[lane];
        }
        return total;
    }
}
