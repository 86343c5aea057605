using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Seq2Seq;

/// <summary>
/// The attention of a decoder to the source: the context c_t = Σ_s a_ts h̄_s, where a_t is the softmax of the scores of
/// the decoder's state h_t with each encoded position h̄_s.
/// </summary>
internal sealed class SourceAttention : nn.Module
{
    private readonly AttentionProduct _product = new(causal: false, scale: 1);
    [ComponentName(Name = "key")]
    private readonly Linear? _key;
    [ComponentName(Name = "query")]
    private readonly Linear? _query;
    [ComponentName(Name = "score")]
    private readonly Linear? _score;
    [ComponentName(Name = "coverage")]
    private readonly Linear? _coverage;

    /// <summary>Creates the layer with new weights.</summary>
    /// <param name="config">The configuration; its attention is not none.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">Draws the weights.</param>
    public SourceAttention(Seq2SeqConfig config, Precision precision, Generator random)
        : base(nameof(SourceAttention))
    {
        int size = config.HiddenSize;
        double deviation = 1 / Math.Sqrt(size);
        if (config.Attention != Seq2SeqAttention.Dot)
            _key = new Linear(size, size, bias: false, precision, deviation, random);
        if (config.Attention == Seq2SeqAttention.Additive)
        {
            _query = new Linear(size, size, bias: true, precision, deviation, random);
            _score = new Linear(size, 1, bias: false, precision, deviation, random);
        }
        if (config.Coverage)
            _coverage = new Linear(1, size, bias: false, precision, deviation, random);
        RegisterComponents();
    }

    /// <summary>
    /// The part of the scores that depends on the source only, [batch, span, hidden]; null if it is the source itself.
    /// </summary>
    /// <param name="source">The encoded sources h̄, [batch, span, hidden].</param>
    public Tensor? Keys(Tensor source) => _key?.forward(source);

    /// <summary>Attends from each state to its source.</summary>
    /// <param name="states">h, [batch, time, hidden].</param>
    /// <param name="source">h̄, [batch, span, hidden].</param>
    /// <param name="keys">What <see cref="Keys"/> returned.</param>
    /// <param name="padding">True at padding of the sources, [batch, span], bool.</param>
    /// <param name="coverage">The sum of the weights of earlier steps, [batch, span]; null before the first.</param>
    /// <param name="reports">Whether the weights are wanted.</param>
    /// <returns>The contexts c, [batch, time, hidden], and the weights a, [batch, time, span], or null if they are not
    /// wanted and were not computed.</returns>
    public (Tensor Context, Tensor? Weights) Attend(Tensor states, Tensor source, Tensor? keys, Tensor padding,
        Tensor? coverage, bool reports)
    {
        if (_score is not null)
            return AttendAdditively(states, source, keys!, padding, coverage);
        // h_tᵀ W_a h̄_s (Luong et al. 2015, eq. 8), by one head
        Tensor q = states.unsqueeze(0), k = (keys ?? source).unsqueeze(0);
        return (_product.Attend(q, k, source.unsqueeze(0), dropout: 0, padding).squeeze(0),
            reports ? _product.MeanWeights(q, k, padding) : null);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _product.Dispose();
        base.Dispose(disposing);
    }

    private (Tensor Context, Tensor Weights) AttendAdditively(Tensor states, Tensor source, Tensor keys, Tensor padding,
        Tensor? coverage)
    {
        // v_aᵀ tanh(W_a h_t + U_a h̄_s) (Bahdanau et al. 2015, A.1.2), with + w_c cov_s in the sum (See et al. 2017,
        // eq. 11)
        Tensor sums = _query!.forward(states).unsqueeze(2).Plus(keys.unsqueeze(1)); // [batch, time, span, hidden]
        if (coverage is not null)
            sums = sums.Plus(_coverage!.forward(coverage.unsqueeze(-1)).unsqueeze(1));
        Tensor scores = _score!.forward(sums.tanh()).squeeze(-1); // [batch, time, span]
        if (scores.dtype == ScalarType.BFloat16)
            scores = scores.to(ScalarType.Float32);
        Tensor weights = F.softmax(scores.FilledWhere(padding.unsqueeze(1), AttentionProduct.Masked), -1);
        return (weights.to(source.dtype).bmm(source), weights);
    }
}
