using Atelier.Kernels;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>
/// Attention: softmax(scale · q kᵀ + mask) v (Vaswani et al. 2017, eq. 1), where groups of query heads may share keys
/// and values (Ainslie et al. 2023). Computed by two products and a softmax, or by the tensor library's fused kernel if
/// the execution plan chooses it.
/// </summary>
/// <param name="causal">Whether queries attend only to keys up to their own position, instead of to all keys.</param>
/// <param name="scale">The factor of the scores; null for 1/√headSize. T5 has 1 (Raffel et al. 2020).</param>
public sealed class AttentionProduct(bool causal = true, double? scale = null) : IDisposable
{
    /// <summary>
    /// The score of padding: not −∞, so that a query without keys has finite weights and no gradient is NaN.
    /// </summary>
    internal const double Masked = -1e30;

    // the last one, since every step of training has the same; of each thread, since clips are sampled by several
    private readonly ThreadLocal<Tensor?> _mask = new(trackAllValues: true);
    private bool _isDisposed;

    /// <summary>Whether queries attend only to keys up to their own position, instead of to all keys.</summary>
    public bool IsCausal => causal;

    /// <summary>The factor of the scores; null for 1/√headSize.</summary>
    public double? Scale => scale;

    /// <summary>
    /// Attends from each query to its keys. In causal attention, the last query is at the position of the last key.
    /// </summary>
    /// <param name="q">Queries, [heads, batch, time, headSize].</param>
    /// <param name="k">Keys, [keyValueHeads, batch, span, headSize]; keyValueHeads divides heads, and in causal
    /// attention span is at least time.</param>
    /// <param name="v">Values, the shape of k.</param>
    /// <param name="dropout">The share of attention weights dropped; 0 except in training.</param>
    /// <param name="padding">True at keys to which no query attends, [batch, span], bool; null for none.</param>
    /// <param name="bias">Finite numbers added to the scores, [heads or 1, batch or 1, time or 1, span], or
    /// null.</param>
    /// <returns>[heads, batch, time, headSize]; zero for a query that attends to no key.</returns>
    public Tensor Attend(Tensor q, Tensor k, Tensor v, double dropout, Tensor? padding = null, Tensor? bias = null)
    {
        TimedOperation timed = TimedOperation.Begin("attention product", ref q);
        bias = bias?.to(q.dtype);
        Tensor mixed = Fuses(q, k, dropout)
            ? Fused(q, k, v, dropout, padding, bias)
            : Reference(q, k, v, dropout, padding, bias);
        return timed.End(padding is null ? mixed : mixed * HasKeys(padding, q.shape[2]).to(q.dtype));
    }

    /// <summary>The weights of attention to all keys, averaged over heads.</summary>
    /// <param name="q">Queries, [heads, batch, time, headSize].</param>
    /// <param name="k">Keys, [heads, batch, span, headSize].</param>
    /// <param name="padding">As in <see cref="Attend"/>.</param>
    /// <param name="bias">As in <see cref="Attend"/>.</param>
    /// <returns>[batch, time, span], fp32; a query's weights sum to 1.</returns>
    public Tensor MeanWeights(Tensor q, Tensor k, Tensor? padding = null, Tensor? bias = null)
    {
        Tensor scores = q.matmul(k.transpose(2, 3)).to(ScalarType.Float32)
            .Times(scale ?? (1 / Math.Sqrt(q.shape[3]))); // [heads, batch, time, span]
        if (bias is not null)
            scores = scores.Plus(bias);
        if (padding is not null)
            scores = scores.FilledWhere(padding.view(1, padding.shape[0], 1, padding.shape[1]), Masked);
        return F.softmax(scores, -1).mean([0]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        foreach (Tensor? mask in _mask.Values)
            mask?.Dispose();
        _mask.Dispose();
    }

    private bool Fuses(Tensor q, Tensor k, double dropout) =>
        // a causal mask from the first key on, heads without groups, and on CPUs no dropout, which the kernel would
        // draw from the tensor library's generator, and not from that of the training step
        (!causal || q.shape[2] == k.shape[2]) && q.shape[0] == k.shape[0]
        && (dropout == 0 || q.device_type == DeviceType.CUDA) && LayerDispatch.FusesAttention(q.device_type);

    private Tensor Fused(Tensor q, Tensor k, Tensor v, double dropout, Tensor? padding, Tensor? bias)
    {
        if (scale is { } factor) // the kernel multiplies the scores by 1/√headSize
            q = q.Times(factor * Math.Sqrt(q.shape[3]));
        if (padding is null && bias is null)
            return F.scaled_dot_product_attention(q, k, v, p: dropout, is_casual: causal);
        (long time, long span) = (q.shape[2], k.shape[2]);
        Tensor mask = causal ? Mask(1, time, span, q) : zeros(1, time, span, q.dtype, q.device);
        if (bias is not null)
            mask = mask.Plus(bias); // [heads or 1, batch or 1, time, span]
        if (padding is not null)
            mask = mask.FilledWhere(padding.unsqueeze(1), Masked); // [heads or 1, batch, time, span]
        return F.scaled_dot_product_attention(q, k, v, attn_mask: mask, p: dropout);
    }

    private Tensor Reference(Tensor q, Tensor k, Tensor v, double dropout, Tensor? padding, Tensor? bias)
    {
        long heads = q.shape[0], batch = q.shape[1], time = q.shape[2], size = q.shape[3];
        long keyValueHeads = k.shape[0], span = k.shape[2], group = heads / keyValueHeads;
        // the queries of a group are rows of one matrix, so that keys and values need no copies
        long rows = keyValueHeads * batch;
        Tensor queries = group == 1
            ? q.reshape(rows, time, size)
            : q.view(keyValueHeads, group, batch, time, size).transpose(1, 2).reshape(rows, group * time, size);
        Tensor keys = k.reshape(rows, span, size).transpose(1, 2);
        float factor = (float)(scale ?? (1 / Math.Sqrt(size)));
        Tensor scores = time == 1 || !causal
            ? queries.bmm(keys).Times(factor)
            // TorchSharp's last tensor is the one that is added
            : queries.baddbmm(keys, Mask(group, time, span, q), beta: 1, alpha: factor);
        if (padding is not null || bias is not null)
        {
            scores = scores.view(keyValueHeads, batch, group, time, span);
            if (bias is not null)
                scores = scores.Plus(bias.shape[0] == 1 ? bias.unsqueeze(2)
                    : bias.unflatten(0, [keyValueHeads, group]).transpose(1, 2));
            if (padding is not null)
                scores = scores.FilledWhere(padding.view(1, batch, 1, 1, span), Masked);
            scores = scores.view(rows, group * time, span);
        }
        Tensor weights = Dropout.Apply(F.softmax(scores, -1), dropout); // [rows, group · time, span]
        Tensor mixed = weights.bmm(v.reshape(rows, span, size));
        return group == 1
            ? mixed.view(heads, batch, time, size)
            : mixed.view(keyValueHeads, batch, group, time, size).transpose(1, 2).reshape(heads, batch, time, size);
    }

    /// <summary>Whether queries attend to any key, [batch, time or 1, 1], bool.</summary>
    private Tensor HasKeys(Tensor padding, long time)
    {
        Tensor counts = padding.logical_not();
        if (!causal)
            return counts.any(1, keepdim: true).unsqueeze(-1);
        return counts.cumsum(1).narrow(1, counts.shape[1] - time, time).AtLeast(1).unsqueeze(-1);
    }

    /// <summary>0 at keys to which a query attends and −∞ at later ones, [1, group · time, span].</summary>
    private Tensor Mask(long group, long time, long span, Tensor like)
    {
        if (_mask.Value is { } last && last.shape[1] == group * time && last.shape[2] == span
            && last.dtype == like.dtype && last.device == like.device)
            return last;
        using var scope = NewDisposeScope();
        Tensor mask = KeptScalars.Full([time, span], double.NegativeInfinity, like.dtype, like.device)
            .triu(span - time + 1);
        _mask.Value?.Dispose();
        return _mask.Value = mask.repeat(group, 1).unsqueeze(0).DetachFromDisposeScope();
    }
}
