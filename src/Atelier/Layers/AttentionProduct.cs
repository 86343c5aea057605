using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
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
    // Instead of −∞ at padding: a query that sees no key then has finite weights, and no NaN reaches its gradients.
    private const double Unseen = -1e30;
    private Tensor? _mask; // the last one: training asks for the same at every step

    /// <summary>Whether a query sees the keys up to its own position alone.</summary>
    public bool IsCausal => causal;

    /// <summary>
    /// Attends from each query to the keys that it sees. Where attention is causal, the last query stands at the last
    /// key.
    /// </summary>
    /// <param name="q">[heads, batch, time, headSize].</param>
    /// <param name="k">[keyValueHeads, batch, span, headSize]; heads a multiple of keyValueHeads, and where attention
    /// is causal span at least time.</param>
    /// <param name="v">As k.</param>
    /// <param name="dropout">The share of attention weights dropped; 0 where not training.</param>
    /// <param name="padding">True at keys that no query sees, [batch, span], bool; null where all count.</param>
    /// <param name="bias">Finite numbers added to the scores, [heads or 1, batch or 1, time or 1, span], or
    /// null.</param>
    /// <returns>[heads, batch, time, headSize]; zero for a query that sees no key.</returns>
    public Tensor Attend(Tensor q, Tensor k, Tensor v, double dropout, Tensor? padding = null, Tensor? bias = null)
    {
        TimedOperation timed = TimedOperation.Begin("attention product", ref q);
        bias = bias?.to(q.dtype);
        Tensor mixed = Fuses(q, k, dropout)
            ? Fused(q, k, v, dropout, padding, bias)
            : Reference(q, k, v, dropout, padding, bias);
        return timed.End(padding is null ? mixed : mixed * Seeing(padding, q.shape[2]).to(q.dtype));
    }

    /// <inheritdoc/>
    public void Dispose() => _mask?.Dispose();

    private bool Fuses(Tensor q, Tensor k, double dropout) =>
        // a causal mask that begins at the first key, heads without groups, and on CPUs no dropout, which would be
        // drawn from the one generator
        (!causal || q.shape[2] == k.shape[2]) && q.shape[0] == k.shape[0]
        && (dropout == 0 || q.device_type == DeviceType.CUDA) && LayerDispatch.FusesAttention(q.device_type);

    private Tensor Fused(Tensor q, Tensor k, Tensor v, double dropout, Tensor? padding, Tensor? bias)
    {
        if (padding is null && bias is null)
            return F.scaled_dot_product_attention(q, k, v, p: dropout, is_casual: causal);
        (long time, long span) = (q.shape[2], k.shape[2]);
        Tensor mask = causal ? Mask(1, time, span, q) : zeros(1, time, span, q.dtype, q.device);
        if (bias is not null)
            mask = mask.Plus(bias); // [heads or 1, batch or 1, time, span]
        if (padding is not null)
            mask = mask.FilledWhere(padding.unsqueeze(1), Unseen); // [heads or 1, batch, time, span]
        return F.scaled_dot_product_attention(q, k, v, attn_mask: mask, p: dropout);
    }

    private Tensor Reference(Tensor q, Tensor k, Tensor v, double dropout, Tensor? padding, Tensor? bias)
    {
        long heads = q.shape[0], batch = q.shape[1], time = q.shape[2], size = q.shape[3];
        long keyValueHeads = k.shape[0], span = k.shape[2], group = heads / keyValueHeads;
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
        if (padding is not null || bias is not null)
        {
            scores = scores.view(keyValueHeads, batch, group, time, span);
            if (bias is not null)
                scores = scores.Plus(bias.shape[0] == 1 ? bias.unsqueeze(2)
                    : bias.unflatten(0, [keyValueHeads, group]).transpose(1, 2));
            if (padding is not null)
                scores = scores.FilledWhere(padding.view(1, batch, 1, 1, span), Unseen);
            scores = scores.view(rows, group * time, span);
        }
        Tensor weights = Dropout.Apply(F.softmax(scores, -1), dropout); // [rows, group · time, span]
        Tensor mixed = weights.bmm(v.reshape(rows, span, size));
        return group == 1
            ? mixed.view(heads, batch, time, size)
            : mixed.view(keyValueHeads, batch, group, time, size).transpose(1, 2).reshape(heads, batch, time, size);
    }

    /// <summary>Whether queries see any key at all, [batch, time or 1, 1], bool.</summary>
    private Tensor Seeing(Tensor padding, long time)
    {
        Tensor counts = padding.logical_not();
        if (!causal)
            return counts.any(1, keepdim: true).unsqueeze(-1);
        return counts.cumsum(1).narrow(1, counts.shape[1] - time, time).AtLeast(1).unsqueeze(-1);
    }

    /// <summary>0 where a query may look and −∞ where it may not, [1, group · time, span].</summary>
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
