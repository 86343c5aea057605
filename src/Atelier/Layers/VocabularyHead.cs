using Atelier.Layers.Fused;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Layers;

/// <summary>The layer from the last hidden states to the logits of a vocabulary, and its loss.</summary>
/// <param name="Weight">W, [vocabulary, hidden]; that of the embedding if the head is tied to it.</param>
/// <param name="Bias">b, [vocabulary], or null.</param>
/// <param name="Precision">The precision of the product.</param>
public readonly record struct VocabularyHead(Tensor Weight, Tensor? Bias, Precision Precision)
{
    /// <summary>h Wᵀ + b.</summary>
    /// <param name="hidden">h, [..., hidden].</param>
    /// <returns>[..., vocabulary], bf16 if that is the precision.</returns>
    public Tensor Logits(Tensor hidden) => Linear.Product(hidden, Weight, Bias, Precision);

    /// <summary>The mean cross-entropy of the logits in nats per target, a scalar in fp32.</summary>
    /// <param name="hidden">h, [..., hidden].</param>
    /// <param name="targets">Ids, int64, one for each state; negative ids are ignored.</param>
    /// <param name="smoothing">The share of probability that is spread over all ids (Szegedy et al. 2016, section
    /// 7).</param>
    /// <param name="rDrop">α of R-Drop (Liang et al. 2021, eq. 4), half of the loss there: α/4 times the mean over the
    /// targets of KL(p‖q) + KL(q‖p) is added, where the states of q are the second half of all, and their targets those
    /// of the first half. 0 adds nothing.</param>
    public Tensor CrossEntropy(Tensor hidden, Tensor targets, double smoothing, double rDrop = 0)
    {
        if (CrossEntropyHead.Serves(hidden, Weight, Precision))
        {
            TimedOperation fused = TimedOperation.Begin("head and cross-entropy", ref hidden);
            return fused.End(CrossEntropyHead.Loss(hidden, Weight, Bias, targets, smoothing, rDrop));
        }
        TimedOperation timed = TimedOperation.Begin("head", ref hidden);
        Tensor logits = timed.End(Logits(hidden)), loss = CrossEntropyOf(logits, targets, smoothing);
        return rDrop == 0 ? loss : loss.Plus(Divergence(logits, targets).Times(rDrop / 4));
    }

    /// <summary>The mean cross-entropy of given logits in nats per target, a scalar in fp32.</summary>
    /// <param name="logits">[..., vocabulary].</param>
    /// <param name="targets">As in <see cref="CrossEntropy"/>.</param>
    /// <param name="smoothing">As in <see cref="CrossEntropy"/>.</param>
    public static Tensor CrossEntropyOf(Tensor logits, Tensor targets, double smoothing)
    {
        TimedOperation timed = TimedOperation.Begin("cross-entropy", ref logits);
        Tensor wide = logits.dtype == ScalarType.BFloat16 ? logits.to(ScalarType.Float32) : logits;
        return timed.End(F.cross_entropy(wide.view(-1, logits.shape[^1]), targets.to(logits.device).view(-1),
            label_smoothing: smoothing));
    }

    /// <summary>The mean of KL(p‖q) + KL(q‖p) over the targets that are not ignored.</summary>
    private static Tensor Divergence(Tensor logits, Tensor targets)
    {
        Tensor[] logs = F.log_softmax(logits.to(ScalarType.Float32).view(-1, logits.shape[^1]), -1).chunk(2);
        Tensor counted = targets.to(logits.device).view(-1).chunk(2)[0].greater_equal(0);
        Tensor sums = ((logs[0].exp() - logs[1].exp()) * (logs[0] - logs[1])).sum(-1);
        return (sums * counted).sum() / counted.sum();
    }
}
