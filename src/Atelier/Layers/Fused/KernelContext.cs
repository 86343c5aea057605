using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers.Fused;

/// <summary>What fused layers read besides their input, for one run of them.</summary>
internal sealed class KernelContext
{
    private KernelContext()
    {
    }

    /// <summary>Nothing else.</summary>
    public static KernelContext None => new();

    /// <summary>The number of keys of each sequence of the input before its padding; null for all.</summary>
    public int[]? KeyCounts { get; private init; }

    /// <summary>The encoded source of cross-attention, which may be gone in the backward pass; null without.</summary>
    public Tensor? Source { get; private init; }

    /// <summary>The shape of the source, [batch, span, width]; empty without.</summary>
    public long[] SourceShape { get; private init; } = [];

    /// <summary>The type of the source.</summary>
    public ScalarType SourceType { get; private init; }

    /// <summary>The number of keys of each source before its padding; null for all.</summary>
    public int[]? SourceCounts { get; private init; }

    /// <summary>The source in bf16, [batch · span, width], while layers run.</summary>
    public Tensor? SourceRows { get; set; }

    /// <summary>The sum of the source's gradients, [batch · span, width], fp32, while layers run backwards.</summary>
    public Tensor? SourceGradient { get; set; }

    /// <summary>The context of self-attention and of cross-attention; null if no kernel reads it.</summary>
    /// <param name="self">The context of self-attention, or null.</param>
    /// <param name="source">The context of cross-attention, or null.</param>
    public static KernelContext? Of(AttentionContext? self, AttentionContext? source)
    {
        if (self is { Bias: not null } or { Cache: not null } or { ReportWeights: not null } or { Source: not null }
            || source is { Bias: not null } or { Cache: not null } or { ReportWeights: not null }
            || !IsAtEnds(self?.Padding, out int[]? counts) || !IsAtEnds(source?.Padding, out int[]? sourceCounts))
            return null;
        return new KernelContext
        {
            KeyCounts = counts,
            Source = source?.Source,
            SourceShape = source?.Source?.shape ?? [],
            SourceType = source?.Source?.dtype ?? default,
            SourceCounts = sourceCounts,
        };
    }

    /// <summary>
    /// Whether padding stands only after the first key of each sequence and after its others; if so, the numbers of
    /// keys before it.
    /// </summary>
    private static bool IsAtEnds(Tensor? padding, out int[]? counts)
    {
        counts = null;
        if (padding is null)
            return true;
        if (padding.device_type != DeviceType.CPU)
            return false;
        (int batch, int span) = ((int)padding.shape[0], (int)padding.shape[1]);
        using Tensor whole = padding.contiguous();
        ReadOnlySpan<byte> all = whole.bytes;
        counts = new int[batch];
        for (int row = 0; row < batch; row++)
        {
            ReadOnlySpan<byte> keys = all.Slice(row * span, span);
            int count = keys.IndexOf((byte)1);
            counts[row] = count < 0 ? span : count;
            if (counts[row] == 0 || keys[counts[row]..].Contains((byte)0))
                return false;
        }
        return true;
    }
}
