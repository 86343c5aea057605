using Atelier.Abstractions;
using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tasks.Text;

/// <summary>Compares the logits of a model with the tokens that followed.</summary>
internal static class TokenPredictions
{
    /// <summary>Computes the mean cross-entropy in nats and the share of tokens that were most probable.</summary>
    /// <param name="logits">[batch, time, vocabulary].</param>
    /// <param name="targets">[batch, time], int64; negative targets do not count.</param>
    public static (double Loss, double Accuracy) Judge(Tensor logits, Tensor targets)
    {
        targets = targets.to(logits.device);
        Tensor correct = logits.argmax(-1).eq(targets).sum() / targets.ge(zeros_like(targets)).sum();
        return (VocabularyHead.CrossEntropyOf(logits, targets, 0).Number(), correct.Number());
    }

    /// <summary>Scores each target.</summary>
    /// <param name="logits">[batch, time, vocabulary].</param>
    /// <param name="targets">[batch, time], int64, at least 0.</param>
    /// <returns>[batch · time] scores, row by row.</returns>
    public static TokenScore[] Scores(Tensor logits, Tensor targets)
    {
        Tensor wide = logits.to(ScalarType.Float32);
        Tensor chosen = wide.gather(-1, targets.unsqueeze(-1).to(logits.device)).squeeze(-1);
        float[] likelihoods = (chosen - wide.logsumexp(-1)).Floats().ToArray(),
            leads = (wide.amax([-1]) - chosen).Floats().ToArray();
        return [.. likelihoods.Zip(leads, (log, lead) => new TokenScore(Math.Min(0, log), lead <= 0))];
    }
}
