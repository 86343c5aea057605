using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>
/// Attention: softmax(q kᵀ / √d + mask) v (Vaswani et al. 2017, eq. 1), with query heads that share keys and values in
/// groups (Ainslie et al. 2023). Computed by two products and a softmax, or by the tensor library's fused kernel if the
/// execution plan chooses it.
/// </summary>
/// <param name="causal">Whether a query sees the keys up to its own position alone; else it sees all of them.</param>
public sealed class AttentionProduct(bool causal = true) : IDisposable
{
    private Tensor? _mask; // the last one: training asks for the same at every step

    /// <summary>Attends from each query to the keys that it sees. The last query stands at the last key.</summary>
    /// <param name="q">[heads, batch, time, headSize].</param>
    /// <param name="k">[keyValueHeads, batch, span, headSize]; heads a multiple of keyValueHeads, span at least
    /// time.</param>
    /// <param name="v">As k.</param>
    /// <param name="dropout">The share of attention weights dropped; 0 where not training.</param>
    /// <returns>[heads, batch, time, headSize].</returns>
    public Tensor Attend(Tensor q, Tensor k, Tensor v, double dropout)
    {
        TimedOperation timed = TimedOperation.Begin("attention product", ref q);
        return timed.End(Mix(q, k, v, dropout));
    }

    /// <inheritdoc/>
    public void Dispose() => _mask?.Dispose();

    private Tensor Mix(Tensor q, Tensor k, Tensor v, double dropout)
    {
        long heads = q.shape[0], batch = q.shape[1], time = q.shape[2], size = q.shape[3];
        long keyValueHeads = k.shape[0], span = k.shape[2], group = heads / keyValueHeads;
        // on CPUs it would draw from the one generator
        bool canFuse = time == span && group == 1 && (dropout == 0 || q.device_type == TorchSharp.DeviceType.CUDA);
        if (canFuse && LayerDispatch.FusesAttention(q.device_type))
            return F.scaled_dot_product_attention(q, k, v, p: dropout, is_casual: causal);

        // A group's queries stand one under another, so that its keys and values need no copies.
        long rows = keyValueHeads * batch;
        Tensor queries = group == 1
            ? q.reshape(rows, time, size)
            : q.view(keyValueHeads, group, batch, time, size).transpose(1, 2).reshape(rows, group * time, size);
        Tensor keys = k.reshape(rows, span, size).transpose(1, 2);
        float scale = (float)(1 / Math.Sqrt(size));
        Tensor scores = time == 1 || !causal
            ? queries.bmm(keys).Times(scale)
            // TorchSharp puts the summand last
            : queries.baddbmm(keys, Mask(group, time, span, q), beta: 1, alpha: scale);
        Tensor weights = F.softmax(scores, -1); // [rows, group · time, span]
        if (dropout > 0)
            weights = Dropout.Apply(weights, dropout);
        Tensor mixed = weights.bmm(v.reshape(rows, span, size));
        return group == 1
            ? mixed.view(heads, batch, time, size)
            : mixed.view(keyValueHeads, batch, group, time, size).transpose(1, 2).reshape(heads, batch, time, size);
    }

    /// <summary>
    /// The additive mask: 0 where a query may attend and −∞ where it may not, [1, group · time, span].
    /// </summary>
    private Tensor Mask(long group, long time, long span, Tensor like)
    {
        if (_mask is not null && _mask.shape[1] == group * time && _mask.shape[2] == span
            && _mask.dtype == like.dtype && _mask.device == like.device)
            return _mask;
        using var scope = NewDisposeScope();
        Tensor mask = KeptScalars.Full([time, span], double.NegativeInfinity, like.dtype, like.device)
            .triu(span - time + 1);
        _mask?.Dispose();
        _mask = mask.repeat(group, 1).unsqueeze(0).DetachFromDisposeScope();
        return _mask;
    }
}
